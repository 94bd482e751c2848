import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accumulated, isStrange, limitsFor } from "./cusum.js";
import { blankDetector, type Detector, judged } from "./detector.js";
import { scoreInAnyLight, type Yardstick } from "./exposure.js";
import type { Moments } from "./moments.js";
import { type RandomState, uniforms } from "./random.js";
import { type Sight, withSight } from "./sights.js";

const CHANNELS = 16;
const BATCH = 8;
const HOUR = 3600 * 25;
const FALSE_ALARMS = 1;

const filled = (value: (c: number) => number) => Float32Array.from({ length: CHANNELS }, (_, c) => value(c));

/** Channels that see brightness, and channels that see edges. */
const SCENE: Moments = { mean: filled((c) => (c < 8 ? 1 + c / 8 : 0)), variance: filled((c) => 0.5 + c / 16) };
const YARDSTICK: Yardstick = { black: filled((c) => (c < 8 ? -1 : 0)), source: SCENE };

/** Scenes as small batches show them: every channel's mean and deviation a little different each time. */
const noisy = (seed: number) => {
	let state: RandomState = seed;
	return ({ mean, variance }: Moments): Moments => {
		const [u, next] = uniforms(state, 2 * CHANNELS);
		state = next;
		return {
			mean: mean.map((m, c) => m + 0.5 * (u[c] - 0.5)),
			variance: variance.map((v, c) => v * (0.75 + 0.5 * u[CHANNELS + c])),
		};
	};
};

const watching = (seed: number) => {
	const shown = noisy(seed);
	let detector: Detector = blankDetector;
	return {
		/** Frames from now until the change is seen, in `frames` of what is shown; undefined: it was not. */
		sees(frames: number, scene: (frame: number) => Moments): number | undefined {
			for (let at = 0; at < frames; at += BATCH) {
				const judgement = judged(detector, shown(scene(at)), BATCH, YARDSTICK, FALSE_ALARMS);
				({ detector } = judgement);
				if (judgement.verdict === "changed") return at + BATCH;
			}
			return undefined;
		},
		verdict: (scene: Moments) => judged(detector, shown(scene), BATCH, YARDSTICK, FALSE_ALARMS).verdict,
	};
};

/** Haze: what is seen fades toward white by so much. */
const hazy = ({ mean, variance }: Moments, haze: number): Moments => ({
	mean: mean.map((m, c) => (c < 8 ? (1 - haze) * m + haze * 4 : m)),
	variance: variance.map((v) => v * (1 - haze) ** 2),
});

const exposed = ({ mean, variance }: Moments, gain: number): Moments => ({
	mean: mean.map((m, c) => YARDSTICK.black[c] + gain * (m - YARDSTICK.black[c])),
	variance: variance.map((v) => v * gain ** 2),
});

const lorry: Moments = { mean: SCENE.mean.map((m) => m - 3), variance: SCENE.variance.map((v) => 4 * v) };

describe("the detector", () => {
	it("raises no more false alarms than it may while all is as ever", () => {
		let alarms = 0;
		for (const seed of [1, 2, 3]) {
			const camera = watching(seed);
			for (let left = HOUR; left > 0; ) {
				const seen = camera.sees(left, () => SCENE);
				if (seen !== undefined) alarms++;
				left -= seen ?? left;
			}
		}
		assert.ok(alarms <= 3 * FALSE_ALARMS, `${alarms} alarms in three hours`);
	});

	it("sees a jump within two windows, and calls its first batch odd", () => {
		for (const seed of [1, 2, 3, 4, 5]) {
			const camera = watching(seed);
			assert.equal(
				camera.sees(1024, () => SCENE),
				undefined,
			);
			assert.equal(camera.verdict(hazy(SCENE, 0.7)), "odd");
			const delay = camera.sees(640, () => hazy(SCENE, 0.5)) ?? Number.POSITIVE_INFINITY;
			assert.ok(delay >= 32 && delay <= 128, `seen after ${delay} frames`);
		}
	});

	it("sees a drift too slow for any two windows to differ, within ten", () => {
		for (const seed of [1, 2, 3, 4, 5]) {
			const camera = watching(seed);
			assert.equal(
				camera.sees(1024, () => SCENE),
				undefined,
			);
			const delay = camera.sees(640, (frame) => hazy(SCENE, (0.7 * frame) / 640)) ?? Number.POSITIVE_INFINITY;
			assert.ok(delay > 32 && delay <= 640, `seen after ${delay} frames`);
		}
	});

	it("takes neither a passing lorry for a change nor, after it has passed, the next one for something new", () => {
		const camera = watching(1);
		assert.equal(
			camera.sees(1024, () => SCENE),
			undefined,
		);
		assert.equal(camera.verdict(lorry), "odd");
		assert.equal(
			camera.sees(24, () => lorry),
			undefined,
		);
		assert.equal(
			camera.sees(640, () => SCENE),
			undefined,
		);
		assert.equal(camera.verdict(lorry), "same");
		assert.equal(
			camera.sees(640, () => lorry),
			undefined,
		);
	});

	it("takes an exposure's step for no change, for however long it lasts", () => {
		for (const gain of [0.8, 1.2]) {
			const camera = watching(2);
			assert.equal(
				camera.sees(1024, () => SCENE),
				undefined,
			);
			assert.equal(
				camera.sees(4096, () => exposed(SCENE, gain)),
				undefined,
			);
			assert.ok(scoreInAnyLight(exposed(SCENE, gain), SCENE, YARDSTICK) < 1e-6);
		}
		assert.ok(scoreInAnyLight(exposed(SCENE, 3), SCENE, YARDSTICK) > 0.2, "three times the light is another condition");
	});

	it("leaves what is not finite alone", () => {
		const begun = judged(blankDetector, SCENE, BATCH, YARDSTICK, 1).detector;
		const broken = { ...SCENE, mean: SCENE.mean.map(() => Number.NaN) };
		assert.deepEqual(judged(begun, broken, BATCH, YARDSTICK, 1), {
			score: undefined,
			verdict: "same",
			detector: begun,
		});
	});
});

describe("evidence", () => {
	it("is enough by chance no more often than it may be", () => {
		// The limit for one alarm in a hundred deviates.
		const limits = limitsFor(HOUR / BATCH / 100, 1);
		let [sum, alarms] = [0, 0];
		const [u] = uniforms(7, 200_000);
		for (let i = 0; i < u.length; i += 2) {
			const normal = Math.sqrt(-2 * Math.log(1 - u[i])) * Math.cos(2 * Math.PI * u[i + 1]);
			sum = accumulated(sum, normal, BATCH, limits);
			if (sum >= limits.sum) {
				alarms++;
				sum = 0;
			}
		}
		assert.ok(alarms <= 1000 && alarms > 0, `${alarms} alarms in 100,000 deviates, 1,000 allowed`);
	});

	it("takes its time, however strong it is", () => {
		const limits = limitsFor(1, 32);
		let sum = 0;
		for (let frames = BATCH; frames <= 32; frames += BATCH) {
			sum = accumulated(sum, 100, BATCH, limits);
			assert.equal(sum >= limits.sum - 1e-9, frames === 32);
		}
		assert.ok(isStrange(100, BATCH, limits));
		assert.ok(!isStrange(1, BATCH, limits));
	});
});

describe("sights", () => {
	it("are kept apart while there is room, and no frame is forgotten when there is none", () => {
		let sights: readonly Sight[] = [];
		let frames = 0;
		for (let i = 0; i < 60; i++) {
			sights = withSight(sights, { stem: hazy(SCENE, (i % 30) / 60), frames: BATCH }, YARDSTICK);
			frames += BATCH;
			assert.equal(
				sights.reduce((sum, sight) => sum + sight.frames, 0),
				frames,
			);
		}
		assert.ok(sights.length >= 8 && sights.length < 60, `${sights.length} sights`);
		const mean = (c: number) => sights.reduce((sum, { stem, frames: n }) => sum + n * stem.mean[c], 0) / frames;
		const shown = Array.from({ length: 30 }, (_, i) => hazy(SCENE, i / 60).mean[0]);
		assert.ok(Math.abs(mean(0) - shown.reduce((a, b) => a + b) / 30) < 1e-3);
	});
});
