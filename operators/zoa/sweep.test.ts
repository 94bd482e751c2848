import assert from "node:assert/strict";
import { test } from "node:test";
import { type Anatomy, attempted, betterOf, doesAsItIs, gainOf, type Measurement, residualOf } from "./attempt.js";
import { smoothingOf, unsmoothed } from "./smoothing.js";
import { advancedSweep, begunSweep } from "./sweep.js";
import type { Vector } from "./vector.js";

const CHANNELS = 4;
const SITES = [0, 1, 2].map((k) => ({ offset: 2 * k * CHANNELS, channels: CHANNELS, perturbed: true }));
const SOURCE = unsmoothed(
	Float32Array.from({ length: 2 * CHANNELS * SITES.length }, (_, i) => (i % (2 * CHANNELS) < CHANNELS ? 1 : 0)),
);
const ANATOMY: Anatomy = {
	...{ sites: SITES, source: SOURCE, apart: [0, 0, 0], tolerances: [0.1, 0.1, 0.1] },
	...{ groups: 7, guarded: true, smoothings: [] },
};

interface World {
	readonly mean: number;
	readonly deviation: number;
	/** What comes out of the stem, given what its scale and bias make of the picture. */
	readonly stem?: Passage;
	/** Likewise of the site behind it. */
	readonly middle?: Passage;
	readonly frames?: number;
	/** Also as it depends on how often the picture is smoothed. */
	readonly doubt?: number | ((times: number) => number);
}

/** `times`: how often the picture is smoothed. */
type Passage = (mean: number, deviation: number, times: number) => readonly [mean: number, deviation: number];

const unchanged: Passage = (mean, deviation) => [mean, deviation];

/** A chain of sites, each of which sees what the one before gave out; at the source mean 0 and deviation 1 everywhere. */
const seen = (
	{ mean, deviation, stem = unchanged, middle = unchanged, frames = 64, doubt = 1 }: World,
	alignment: Vector,
): Measurement => {
	const total = CHANNELS * SITES.length;
	const raw = new Float32Array(2 * total);
	const target = Float32Array.from({ length: 2 * total }, (_, i) => (i < total ? 0 : 1));
	let [m, d] = [mean, deviation];
	for (const [k, { offset }] of SITES.entries()) {
		raw.fill(m, k * CHANNELS, (k + 1) * CHANNELS);
		raw.fill(m * m + d * d, total + k * CHANNELS, total + (k + 1) * CHANNELS);
		const [scale, bias] = [1 + alignment[offset], alignment[offset + CHANNELS]];
		[m, d] = [scale * m + bias, Math.abs(scale) * d];
		if (k === 0) [m, d] = stem(m, d, smoothingOf(alignment));
		if (k === 1) [m, d] = middle(m, d, smoothingOf(alignment));
	}
	const own = typeof doubt === "number" ? doubt : doubt(smoothingOf(alignment));
	return { frames, measured: raw, target, concentration: 0, doubt: own };
};

interface Swept {
	readonly until?: number;
	readonly usualDoubt?: number;
	readonly anatomy?: Anatomy;
}

const swept = (world: World, { until, usualDoubt, anatomy = ANATOMY }: Swept = {}) => {
	let sweep = begunSweep(anatomy, { until, usualDoubt });
	let passes = 0;
	for (; sweep.trial; passes++) sweep = advancedSweep(sweep, seen(world, sweep.trial.alignment), anatomy);
	assert.ok(sweep.latest && sweep.source);
	return { ...sweep, latest: sweep.latest, source: sweep.source, passes };
};

test("ordinary pictures are left alone after a single pass", () => {
	const { latest, passes, open } = swept({ mean: 0.05, deviation: 1 });
	assert.equal(passes, 1);
	assert.ok(latest.alignment.every((a) => a === 0));
	assert.deepEqual(open, [false, false, false]);
});

test("what the stem can undo is undone there, and nothing behind it moves", () => {
	const { latest, passes, open } = swept({ mean: 2, deviation: 0.5 });
	assert.equal(passes, 2);
	assert.deepEqual(open, [true, false, false]);
	assert.ok(residualOf(latest, ANATOMY) < 1e-3);
});

test("what is left behind the stem is undone by the sites that follow", () => {
	const { latest, open } = swept({ mean: 2, deviation: 0.5, stem: (m, d) => [m + 1, d] });
	assert.deepEqual(open, [true, true, false]);
	assert.ok(Math.abs(latest.scores[2]) < 1e-3);
});

test("the last site, behind which nothing shows what its alignment is worth, is aligned where little is wrong before it", () => {
	const world = (offset: number): World => ({
		...{ mean: 2, deviation: 0.5 },
		stem: (m, d) => [m + 0.4, d],
		middle: (m, d) => [m + offset, d],
	});
	assert.deepEqual(swept(world(0.5)).open, [true, true, true]);
	const { open, latest } = swept(world(2));
	assert.deepEqual(open, [true, true, false]);
	assert.ok(latest.alignment.slice(2 * CHANNELS, 4 * CHANNELS).some((a) => a !== 0));
	assert.ok(latest.alignment.slice(4 * CHANNELS).every((a) => a === 0));
	const atOnce = swept(world(2), { anatomy: { ...ANATOMY, groups: 0 } });
	assert.deepEqual(atOnce.open, [true, true, true], "all sites at once are not told apart");
});

test("a model with a single site is aligned there, however far it is out of line", () => {
	const anatomy = { ...ANATOMY, sites: SITES.slice(0, 1), apart: [0], tolerances: [0.1] };
	const measured = { frames: 64, measured: Float32Array.of(3, 3, 3, 3, 10, 10, 10, 10), concentration: 0, doubt: 1 };
	const target = Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1);
	assert.deepEqual(advancedSweep(begunSweep(anatomy), { ...measured, target }, anatomy).trial?.open, [true]);
});

test("what the model is nearly as sure of as usual is left alone, unless it is far out of line", () => {
	const home = (mean: number, doubt: number, usualDoubt?: number) =>
		swept({ mean, deviation: 1, doubt }, usualDoubt === undefined ? {} : { usualDoubt }).isHome;
	assert.equal(home(0.5, 0.4, 0.2), true);
	assert.equal(home(0.5, 0.5, 0.2), false, "it is less sure");
	assert.equal(home(0.5, 0.4), false, "nobody knows what is usual");
	assert.equal(home(0.7, 0.4, 0.2), false, "it may be sure and wrong");
	const does = (mean: number, doubt: number) => {
		const world = { mean, deviation: 1, doubt };
		return doesAsItIs(
			attempted(
				new Float32Array(SOURCE.length),
				seen(
					world,
					SOURCE.map(() => 0),
				),
				ANATOMY,
			),
			0.2,
			ANATOMY,
		);
	};
	assert.deepEqual([does(0.5, 1), does(0.8, 1), does(0.8, 0.4), does(0.9, 0.4)], [true, false, true, false]);
});

test("a sweep of the stem alone leaves the rest as it is", () => {
	const { open } = swept({ mean: 2, deviation: 0.5, stem: (m, d) => [m + 1, d] }, { until: 1 });
	assert.deepEqual(open, [true, false, false]);
});

test("the source is kept where nothing better is found", () => {
	const attempt = (mean: number) =>
		attempted(Float32Array.of(mean), seen({ mean, deviation: 1 }, new Float32Array(SOURCE.length)), ANATOMY);
	const [slight, better, worse] = [attempt(0.5), attempt(0.1), attempt(0.7)];
	assert.ok(residualOf(better, ANATOMY) < residualOf(slight, ANATOMY));
	assert.equal(betterOf(slight, [worse, better], ANATOMY), better);
	assert.equal(betterOf(slight, [worse], ANATOMY), slight);
	assert.equal(betterOf(slight, [worse], { ...ANATOMY, guarded: false }), worse);
	const notANumber = attempt(Number.NaN);
	assert.equal(betterOf(slight, [slight, notANumber], ANATOMY), slight);
	assert.equal(betterOf(notANumber, [worse], ANATOMY), worse);
});

test("the gain is the part of what was out of line that is in line now", () => {
	const attempt = (mean: number) =>
		attempted(Float32Array.of(mean), seen({ mean, deviation: 1 }, new Float32Array(SOURCE.length)), ANATOMY);
	const source = attempt(2);
	assert.equal(gainOf(source, source, ANATOMY), 0);
	assert.equal(gainOf(source, attempt(0), ANATOMY), 1);
	assert.ok(Math.abs((gainOf(source, attempt(1), ANATOMY) ?? 0) - 0.75) < 1e-4, "shift scores go with the square");
	assert.ok((gainOf(source, attempt(3), ANATOMY) ?? 0) < 0);
	assert.equal(gainOf(source, attempt(Number.NaN), ANATOMY), undefined);
	const inLine = attempt(0);
	assert.equal(gainOf(inLine, inLine, ANATOMY), 0);
});

const SMOOTHING: Anatomy = { ...ANATOMY, smoothings: [1, 2] };

/** Noise that makes the sites behind the stem vary, the less the more it is smoothed. */
const noisy =
	(left: readonly number[]): Passage =>
	(m, d, times) => [m, d * (1 + left[times])];

test("noise is smoothed away, over a few frames first, and what it has cost of contrast is made good", () => {
	const world: World = { mean: 2, deviation: 0.5, stem: noisy([4, 1, 0.02]) };
	const { latest, open, passes, isHome } = swept(world, { anatomy: SMOOTHING });
	assert.equal(smoothingOf(latest.alignment), 2);
	assert.deepEqual(open, [true, false, false]);
	assert.ok(!isHome && residualOf(latest, SMOOTHING) < 1);
	// The source; the stem as it is; bare and with the stem at each smoothing; the same at the best for all frames.
	assert.equal(passes, 1 + 1 + 2 + 2 + 2);
});

test("pictures are not smoothed where that does not take away enough", () => {
	const once = swept({ mean: 2, deviation: 0.5, stem: noisy([4, 1, 0.9]) }, { anatomy: SMOOTHING });
	assert.equal(smoothingOf(once.latest.alignment), 1);
	const never = swept({ mean: 2, deviation: 0.5, stem: noisy([4, 3.9, 0]) }, { anatomy: SMOOTHING });
	assert.equal(smoothingOf(never.latest.alignment), 0, "the next is not tried where the one before did not help");
	assert.deepEqual(never.latest.alignment, swept({ mean: 2, deviation: 0.5, stem: noisy([4]) }).latest.alignment);
});

test("pictures of the source's kind are never smoothed, though it might bring them further into line", () => {
	const { passes, latest } = swept({ mean: 0.05, deviation: 1, stem: noisy([0.1, 0, 0]) }, { anatomy: SMOOTHING });
	assert.equal(passes, 1);
	assert.ok(latest.alignment.every((a) => a === 0));
});

test("where the front looks as usual and the model doubts, pictures are smoothed if it is surer for it and they no further out of line", () => {
	const times = (left: readonly number[], doubts: readonly number[], isKnown = true) => {
		const world: World = { mean: 0.05, deviation: 1, middle: noisy(left), doubt: (times) => doubts[times] };
		const known = isKnown ? { usualDoubt: 0.2 } : {};
		return smoothingOf(swept(world, { ...known, anatomy: SMOOTHING }).latest.alignment);
	};
	assert.equal(times([0.42, 0.4, 0.4], [0.6, 0.3, 0.29]), 1);
	assert.equal(times([0.42, 0.4, 0.38], [0.6, 0.4, 0.3]), 2);
	assert.equal(times([0.42, 0.4, 0.4], [0.6, 0.58, 0.5]), 0, "hardly surer");
	assert.equal(times([0.42, 0.43, 0.43], [0.6, 0.3, 0.29]), 0, "further out of line");
	assert.equal(times([0.42, 0.1, 0.1], [0.3, 0.2, 0.2]), 0, "no doubt to speak of");
	assert.equal(times([0.42, 0.1, 0.1], [0.6, 0.2, 0.2], false), 0, "nobody knows how much is usual");
});

test("pictures are smoothed neither for what their stem's alignment does as well nor for what a few are doubted", () => {
	const anatomy = SMOOTHING;
	const aligned: World = { mean: 0.39, deviation: 1, doubt: (times) => 0.6 - 0.2 * times };
	assert.equal(smoothingOf(swept(aligned, { usualDoubt: 0.2, anatomy }).latest.alignment), 0);
	const world: World = { mean: 0.05, deviation: 1, middle: noisy([0.42, 0.4, 0.4]), doubt: (t) => [0.6, 0.3, 0.29][t] };
	const timesOf = (frames: number) =>
		smoothingOf(swept({ ...world, frames }, { usualDoubt: 0.2, anatomy }).latest.alignment);
	assert.deepEqual([3, 4].map(timesOf), [0, 1]);
});

test("what is left behind the front of smoothed pictures is aligned, though the front looks as usual", () => {
	const world: World = { mean: 0.05, deviation: 1, stem: (m, d, times) => [m + (times ? 0.45 : 4), d] };
	const { latest, open } = swept(world, { anatomy: { ...SMOOTHING, smoothings: [1] } });
	assert.equal(smoothingOf(latest.alignment), 1);
	assert.deepEqual(open, [false, true, false]);
});

test("where the source's parameters do, they still do while smoothing is tried, unless that is worth it", () => {
	const world: World = { mean: 0.5, deviation: 1, doubt: 0.3 };
	const steps = ({ mean, ...rest }: World) => {
		let sweep = begunSweep(SMOOTHING, { usualDoubt: 0.2 });
		const homes: boolean[] = [];
		while (sweep.trial) {
			const smoothed = smoothingOf(sweep.trial.alignment) > 0;
			sweep = advancedSweep(sweep, seen({ ...rest, mean: smoothed ? left : mean }, sweep.trial.alignment), SMOOTHING);
			homes.push(sweep.isHome);
		}
		return { homes, times: smoothingOf(sweep.latest?.alignment ?? SOURCE) };
	};
	let left = 0.48;
	assert.deepEqual(steps(world), { homes: [true, true], times: 0 });
	left = 0.1;
	assert.deepEqual(steps(world), { homes: [true, false, false], times: 1 });
});

test("a smoothing that gives numbers is better than pictures that give none, and none is kept that does not", () => {
	const unless =
		(isNumber: (times: number) => boolean): Passage =>
		(m, d, times) => [m, isNumber(times) ? d * (1 + (times > 0 ? 0.02 : 4)) : Number.NaN];
	const anatomy = SMOOTHING;
	const cured = swept({ mean: 2, deviation: 0.5, stem: unless((times) => times > 0) }, { anatomy });
	assert.equal(smoothingOf(cured.latest.alignment), 1);
	const spoiled = swept({ mean: 2, deviation: 0.5, stem: unless((times) => times === 0) }, { anatomy });
	assert.equal(smoothingOf(spoiled.latest.alignment), 0);
	assert.ok(Number.isFinite(residualOf(spoiled.latest, anatomy)));
});
