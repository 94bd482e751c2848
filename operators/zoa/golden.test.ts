import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blankDetector, type Detector, moved, PUBLISHED_WEIGHT, scoreOf } from "./detector.js";
import { loss, meanEntropy, stageSpans } from "./loss.js";
import { emptyMix, perturbedSpans } from "./mix.js";
import { emptySimilarities, rememberedAsPublished } from "./published.js";
import { followedShift, PUBLISHED_SHIFT_WEIGHT, shifted } from "./shift.js";
import { stepped } from "./spsa.js";
import type { Vector } from "./vector.js";

/** The published settings for a ViT at W8A8 are the ones the trace was made with; the test takes them from the trace. */
interface Trace {
	readonly sites: readonly { name: string; channels: number }[];
	readonly hyper: Readonly<Record<string, number>>;
	readonly steps: readonly { change: boolean; evicted: readonly number[]; loss: [number, number] }[];
	readonly arrays: Readonly<Record<string, { offset: number; shape: readonly number[] }>>;
}

const beside = fileURLToPath(new URL("../../../../shared/golden", import.meta.url));
const folder = resolve(process.env.GOLDEN_DIR ?? beside);
const skip = existsSync(join(folder, "trace.json")) ? false : `no golden trace in ${folder}`;

const openTrace = () => {
	const trace: Trace = JSON.parse(readFileSync(join(folder, "trace.json"), "utf8"));
	const bytes = readFileSync(join(folder, "trace.f32"));
	const array = (name: string): Vector => {
		const { offset, shape } = trace.arrays[name];
		const length = shape.reduce((a, b) => a * b, 1);
		return Float32Array.from({ length }, (_, i) => bytes.readFloatLE(4 * (offset + i)));
	};
	return { ...trace, array };
};

const assertClose = (actual: Vector, expected: Vector, what: string) => {
	assert.equal(actual.length, expected.length, what);
	const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
	const worst = expected.reduce((max, value, i) => Math.max(max, Math.abs(actual[i] - value)), 0);
	assert.ok(worst / largest <= 1e-4, `${what} is off by ${worst / largest} of its largest value`);
};

test("the published procedure replays the golden trace: 56 steps, 13 changes, 9 evictions", { skip }, () => {
	const { sites, hyper, steps, array } = openTrace();
	const channels = sites[0].channels;
	const spans = perturbedSpans(sites.map((_, i) => ({ offset: 2 * i * channels, channels, perturbed: true })));
	const settings = {
		mixPerturbation: hyper.c_alpha,
		perturbation: hyper.c_eps,
		mixRate: hyper.lr_alpha,
		rate: hyper.lr_eps,
		mixDecay: hyper.weight_decay_alpha,
		decay: hyper.weight_decay_eps,
	};
	const source = { mean: array("source.mean"), deviation: array("source.std") };
	const stages = stageSpans([source.mean.length]);
	const head = array("head.weight");
	const width = head.length / 6;
	const features = (tapMean: Vector) => tapMean.slice(-width);

	let mix = { ...emptyMix(2 * channels * sites.length), alpha: array("alpha0") };
	let similarities = emptySimilarities(hyper.max_bank);
	let detector: Detector = blankDetector;
	let history: Vector | undefined;
	let changes = 0;
	let evictions = 0;

	steps.forEach((step, i) => {
		const taps = (pass: string) => ({ mean: array(`${i}.${pass}.mean`), deviation: array(`${i}.${pass}.std`) });
		const stem = (pass: number) => ({
			mean: array(`${i}.detect.${pass}.mean`),
			variance: array(`${i}.detect.${pass}.var`),
		});
		const logits = array(`${i}.forward.logits`);

		const predicted = shifted(logits, head, features(source.mean), history);
		const score = scoreOf(detector, stem(0));
		const changed = score !== undefined && score > hyper.threshold;
		assert.equal(changed, step.change, `step ${i}: change, at a score of ${score}`);
		let evicted: number | undefined;
		if (changed) {
			({ mix, similarities, evicted } = rememberedAsPublished(mix, similarities, hyper.max_bank, spans));
			detector = blankDetector;
			history = undefined;
			changes++;
		}
		assert.deepEqual(evicted === undefined ? [] : [evicted], step.evicted, `step ${i}: evictions`);
		if (evicted !== undefined) evictions++;
		for (const pass of [0, 1]) detector = moved(detector, stem(pass), hyper.batch, PUBLISHED_WEIGHT);

		const [before, after] = ["forward", "perturbed"].map((pass) =>
			loss(taps(pass), source, meanEntropy(array(`${i}.${pass}.logits`), 6), hyper.lambda_, stages),
		);
		assertClose(Float32Array.of(before, after), Float32Array.from(step.loss), `step ${i}: losses`);
		const draws = { alpha: array(`${i}.perturb_alpha`), epsilon: array(`${i}.perturb_eps`) };
		mix = stepped(mix, draws, after - before, settings);
		history = followedShift(history, features(taps("forward").mean), PUBLISHED_SHIFT_WEIGHT);

		assertClose(mix.alpha, array(`${i}.alpha`), `step ${i}: α`);
		assertClose(mix.epsilon, array(`${i}.eps`), `step ${i}: ε`);
		assertClose(history, array(`${i}.hist`), `step ${i}: hist`);
		assertClose(predicted, array(`${i}.logits`), `step ${i}: logits`);
	});
	assert.deepEqual([changes, evictions, steps.length], [13, 9, 56]);
	mix.vectors.forEach((vector, k) => {
		const length = vector.length;
		assertClose(vector, array("bank.final").slice(k * length, (k + 1) * length), `bank entry ${k}`);
	});
});
