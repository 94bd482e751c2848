import assert from "node:assert/strict";
import { test } from "node:test";
import { firstValueFrom, of } from "rxjs";
import { memoryModel } from "../adapters/model.memory.js";
import { stemRows } from "./detect.js";
import { LEARNING } from "./fixtures.js";
import { firstKnowledge } from "./knowledge.js";
import { reconsider } from "./reconsider.js";
import type { Activations, Camera, Detected, DomainRecord, Frame, Model } from "./types.js";
import { blankDetector } from "./zoa/detector.js";
import { channelsOf, moments } from "./zoa/moments.js";
import { smoothingOf, unsmoothed } from "./zoa/smoothing.js";

const model = memoryModel();
const { bundle } = model;
const { sites, labels, features, taps, stem } = bundle.manifest;
const SOURCE = bundle.source.affine;
const [{ channels }] = sites;

/** Frames that show what their stem is moved by, in the source's standard deviations, and all behind it by `deep` of these. */
const shown = (shifts: readonly number[], deep = 0): Activations => {
	const total = bundle.source.sites.length / 2;
	const rows = shifts.flatMap((shift) => {
		const row = bundle.source.sites.slice();
		for (let c = 0; c < total; c++) {
			const mean = row[c];
			const deviation = Math.sqrt(row[total + c] - mean * mean);
			row[c] = mean + (c < channels ? shift : deep) * deviation;
			row[total + c] = row[c] ** 2 + deviation ** 2;
		}
		return [...row];
	});
	const n = shifts.length;
	const width = taps.stages.reduce((sum, stage) => sum + stage, 0);
	return {
		frames: n,
		logits: Float32Array.from({ length: n * labels.length }, (_, i) => shifts[Math.floor(i / labels.length)]),
		features: new Float32Array(n * features),
		taps: new Float32Array(n * width),
		stem: new Float32Array(n * 2 * stem.channels),
		sites: Float32Array.from(rows),
	};
};

const camera: Camera = { live: false, waiting: 0, dropped: 0, take: async () => [], close: async () => {} };

const SIZE = 3 * bundle.manifest.input.width * bundle.manifest.input.height;

/** A picture that says how its stem is moved, with a speck by which smoothing shows. */
const SPECK = 20;
const frame = (shift: number, index: number): Frame => {
	const pixels = new Uint8Array(SIZE).fill(10 * shift + 100);
	pixels[SPECK] += 16;
	return { pixels, index, capturedAt: index };
};

/** What pictures say, and whether they are smoothed. */
const read = (pixels: Uint8Array) => {
	const shifts = Array.from({ length: pixels.length / SIZE }, (_, i) => (pixels[i * SIZE] - 100) / 10);
	return { shifts, isSmoothed: pixels[SPECK] - pixels[0] !== 16 };
};

interface Shown {
	readonly waits?: Partial<Camera>;
	readonly deep?: number;
	/** The same of smoothed pictures; and of such that have the stem aligned, smoothed or not. */
	readonly smoothed?: number;
	readonly inLine?: number;
	readonly isStill?: boolean;
	/** Of one label each, in turn, where others have 7. */
	readonly logit?: number;
}

/** What the model is asked for again, and with which parameters. */
const reconsidered = async (
	shifts: readonly number[],
	verdict: Detected["verdict"],
	known: Partial<Detected["knowledge"]>,
	{ waits = {}, deep = 0, smoothed = deep, inLine, isStill = false, logit = 7 }: Shown = {},
) => {
	const asked: { shifts: readonly number[]; affine: Float32Array; isSmoothed: boolean }[] = [];
	const forward: Model["forward"] = async (pixels, affine) => {
		const { shifts, isSmoothed } = read(pixels);
		asked.push({ shifts, affine, isSmoothed });
		const isAligned = affine.slice(0, 2 * channels).some((value, i) => value !== SOURCE[i]);
		const left = isSmoothed ? smoothed : deep;
		const activations = shown(shifts, isAligned ? (inLine ?? left) : left);
		activations.logits.forEach((_, i, all) => {
			all[i] = i % labels.length === Math.floor(i / labels.length) % labels.length ? logit : 7;
		});
		return activations;
	};
	const look: Model["look"] = async (pixels) =>
		Float32Array.from(read(pixels).shifts.flatMap((shift) => [...channelsOf(shown([shift]).sites, 0, channels)]));
	const first = firstKnowledge(bundle, [], { seed: 1, bank: 4, published: false, now: 0 });
	const knowledge = { ...first, detector: { ...blankDetector, frames: 64, reference: stemAt(5) }, ...known };
	const activations = shown(shifts, deep);
	const frames = shifts.map(frame);
	const step: Detected = {
		...{ knowledge, frames, activations, verdict, score: 1, detector: knowledge.detector },
		stems: stemRows(bundle, activations),
		thumbnails: frames.map((_, i) => Float32Array.from({ length: 16 }, (_, k) => Number(k === (isStill ? 0 : i)))),
		predictions: frames.map((one) => ({ frame: one, label: 0, probabilities: new Float32Array(labels.length) })),
		affines: frames.map(() => (known.alignment ? NIGHT : unsmoothed(SOURCE))),
		strangers: [],
		failed: 0,
	};
	const learning = { ...LEARNING, sweep: { cpu: 0.2 } };
	const after = await firstValueFrom(
		of(step).pipe(reconsider({ ...model, forward, look }, { ...camera, ...waits }, learning)),
	);
	return { asked, after };
};

const placesOf = ({ strangers }: Detected) => strangers.map(({ places }) => places);

const stemAt = (shift: number) => moments(channelsOf(shown([shift]).sites, 0, channels));

const NIGHT = unsmoothed(SOURCE.map((value) => value + 0.5));
const night = unsmoothed(SOURCE.map(() => 0.5));
const fog = unsmoothed(SOURCE.map(() => 0.25));

const record = (alignment: Float32Array, shift: number): DomainRecord => ({
	...{ id: "d7", name: "domain 7", vector: new Float32Array(night.length), alignment, madeAt: 0, lastUsedAt: 0 },
	...{ stemMean: stemAt(shift).mean, stemVariance: stemAt(shift).variance, visits: 1, steps: 1 },
});

test("frames of an odd batch get what is known of their kind, each their own", async () => {
	const { asked, after } = await reconsidered([0, 5, -6, 0], "odd", { alignment: night, domains: [record(fog, -6)] });
	assert.deepEqual(
		asked.map(({ shifts }) => shifts),
		[[0, 0], [-6]],
		"the night's own frame is left as it was",
	);
	assert.deepEqual(asked[0].affine, SOURCE);
	assert.deepEqual(
		asked[1].affine,
		SOURCE.map((value) => value + 0.25),
	);
	const { logits } = after.activations;
	assert.deepEqual(
		[0, 1, 2, 3].map((i) => logits[i * labels.length]),
		[7, 5, 7, 7],
		"in the order of the batch",
	);
});

test("what looks like nothing that is known gets the source's parameters, unless they leave it far out of line", async () => {
	const { asked, after } = await reconsidered([-6, -6], "odd", { alignment: night });
	assert.deepEqual(
		asked.map(({ affine }) => affine),
		[SOURCE],
	);
	assert.deepEqual(after.affines, [unsmoothed(SOURCE), unsmoothed(SOURCE)]);
	assert.deepEqual(placesOf(after), [[0, 1]]);
});

test("where the source's parameters leave it far out of line its stem is aligned, if that is better", async () => {
	const { asked, after } = await reconsidered([-6, -6], "odd", { alignment: night }, { deep: 3 });
	assert.deepEqual(
		asked.map(({ isSmoothed }) => isSmoothed),
		[false, false, true],
	);
	const [, { affine }] = asked;
	assert.notDeepEqual(affine.slice(0, 2 * channels), SOURCE.slice(0, 2 * channels));
	assert.deepEqual(affine.slice(2 * channels), SOURCE.slice(2 * channels));
	assert.deepEqual(after.affines, [NIGHT, NIGHT], "nothing was better");
});

test("and it is smoothed, if that takes away enough of what is out of line; more often if that takes away as much again", async () => {
	const smoothed = async (smoothed: number) => {
		const { asked, after } = await reconsidered([-6, -6], "odd", { alignment: night }, { deep: 3, smoothed });
		return { passes: asked.length, affine: after.affines[0], times: after.affines.map(smoothingOf) };
	};
	const { passes, affine, times } = await smoothed(2.5);
	assert.deepEqual({ passes, times }, { passes: 4, times: [1, 1] }, "a second time is no better");
	assert.notDeepEqual(affine.slice(0, 2 * channels), SOURCE.slice(0, 2 * channels), "with the stem aligned");
	assert.deepEqual(affine.slice(2 * channels, -1), SOURCE.slice(2 * channels));
	const little = await smoothed(2.9);
	assert.deepEqual({ passes: little.passes, times: little.times }, { passes: 3, times: [0, 0] });
});

test("what the stem's alignment alone brings into line is not smoothed, of a visitor either", async () => {
	const shownBy = { deep: 3, smoothed: 3.5, inLine: 1.2 };
	const strange = await reconsidered([-6, -6], "odd", { alignment: night }, shownBy);
	const plain = { gain: 0, detector: { ...blankDetector, frames: 64, reference: stemAt(0) } };
	const visitor = await reconsidered([6, 6], "same", plain, shownBy);
	for (const { after, asked } of [strange, visitor]) {
		assert.deepEqual(after.affines.map(smoothingOf), [0, 0]);
		assert.notDeepEqual(after.affines[0].slice(0, 2 * channels), SOURCE.slice(0, 2 * channels));
		assert.ok(asked.some(({ isSmoothed }) => isSmoothed));
	}
	const little = await reconsidered([-6, -6], "odd", { alignment: night }, { ...shownBy, inLine: 0.2 });
	assert.ok(!little.asked.some(({ isSmoothed }) => isSmoothed), "what is left is not worth a pass");
});

test("it keeps the source's parameters though they leave it far out of line where the model is nearly as sure as usual", async () => {
	const askedOf = async (usualDoubt: number | undefined, deep: number) =>
		(await reconsidered([-6, -6], "odd", { alignment: night, usualDoubt }, { deep, logit: 9.5 })).asked.length;
	assert.equal(await askedOf(undefined, 3), 3);
	assert.equal(await askedOf(0.05, 3), 3, "it is less sure");
	assert.equal(await askedOf(0.4, 3), 1);
	assert.equal(await askedOf(0.4, 4), 3, "too far");
});

test("of a kind that is not quite known it is first looked whether the source's parameters do", async () => {
	const known = { alignment: night, domains: [record(fog, -6)] };
	const { asked } = await reconsidered([-5.5, -5.5], "odd", known, { deep: 3 });
	assert.deepEqual(
		asked.map(({ affine }) => affine),
		[SOURCE, SOURCE.map((value) => value + 0.25)],
	);
});

test("different frames that are far out of line behind an ordinary stem are strangers", async () => {
	const ordinary = [0, 0, 0, 0];
	const { asked, after } = await reconsidered(ordinary, "same", { gain: 0 }, { deep: 3 });
	assert.deepEqual(placesOf(after), [[0, 1, 2, 3]]);
	assert.deepEqual(
		asked.map(({ isSmoothed }) => isSmoothed),
		[true],
		"all that can be tried is smoothing, as nothing is known of their kind",
	);
	const known = await reconsidered(ordinary, "same", { gain: 0, domains: [record(fog, 0.2)] }, { deep: 3 });
	assert.equal(known.asked.length, 1);
	for (const one of [
		await reconsidered(ordinary, "same", {}, { deep: 3 }),
		await reconsidered(ordinary, "same", { gain: 0 }, { deep: 3, isStill: true }),
		await reconsidered(ordinary, "same", { gain: 0 }),
		await reconsidered(ordinary.slice(1), "same", { gain: 0 }, { deep: 3 }),
	])
		assert.deepEqual(one.after.strangers, []);
});

test("different frames that the model doubts behind an ordinary stem are smoothed, if it is surer for it, and no strangers", async () => {
	const timesOf = async (
		usualDoubt: number | undefined,
		{ smoothed = 0.9, isStill = false, gain = 0 as number | undefined } = {},
	) => {
		const shown = { deep: 1, smoothed, isStill, logit: 12 };
		const { after } = await reconsidered([0, 0, 0, 0], "same", { gain, usualDoubt }, shown);
		assert.deepEqual(after.strangers, []);
		return smoothingOf(after.affines[0]);
	};
	assert.equal(await timesOf(0.5), 1);
	assert.equal(await timesOf(0.5, { smoothed: 1.6 }), 0, "further out of line");
	assert.equal(await timesOf(undefined), 0, "nobody knows how much is usual");
	assert.equal(await timesOf(0.5, { isStill: true }), 0, "one that it doubts may be an odd one");
});

test("a frame that looks like the source is predicted as such though no change was seen", async () => {
	const { asked } = await reconsidered([5, 0, 5], "same", { alignment: night });
	assert.deepEqual(
		asked.map(({ shifts, affine }) => [shifts, affine]),
		[[[0], SOURCE]],
	);
});

test("until it was looked what the domain needs nothing is predicted again", async () => {
	const { asked } = await reconsidered([0, -6], "same", {});
	assert.deepEqual(asked, []);
});

test("what looks unlike the source is strange though the detector has got used to it, each kind by itself", async () => {
	const plain = { gain: 0, detector: { ...blankDetector, frames: 64, reference: stemAt(0) } };
	const known = { ...plain, domains: [record(fog, -6)] };
	const { asked, after } = await reconsidered([0, -6, 6, 0, 9], "same", known, { deep: 3 });
	assert.deepEqual(placesOf(after), [[1], [2], [4]]);
	assert.deepEqual(
		after.strangers.map(({ kind }) => kind?.alignment),
		[fog, undefined, undefined],
	);
	assert.deepEqual(
		asked.filter(({ shifts }) => shifts.includes(-6)).map(({ affine }) => affine),
		[SOURCE.map((value) => value + 0.25)],
	);
	const own = await reconsidered([6, 6], "same", { ...plain, detector: { ...plain.detector, reference: stemAt(6) } });
	assert.deepEqual(placesOf(own.after), [], "the domain itself may be unlike the source");
});

test("what is far out of line is given to no kind that it looks less like than like its own domain", async () => {
	const domains = [record(fog, 0.2)];
	const kindIn = async (look: number) => {
		const known = { gain: 0, domains, look: channelsOf(shown([look]).sites, 0, channels) };
		const { after } = await reconsidered([0.15, 0.15, 0.15, 0.15], "same", known, { deep: 3 });
		return after.strangers.map(({ kind }) => kind?.alignment);
	};
	assert.deepEqual(await kindIn(-0.3), [fog]);
	assert.deepEqual(await kindIn(0.15), [fog.map(() => 0)]);
});

test("frames that are not finite are looked at once", async () => {
	const { asked } = await reconsidered([Number.NaN, 0], "odd", { alignment: night });
	assert.ok(asked.length <= 2);
});

test("a batch that is odd though it looks like its domain is strange", async () => {
	const { asked, after } = await reconsidered([5, 5.2], "odd", { alignment: night });
	assert.deepEqual(asked, []);
	assert.deepEqual(placesOf(after), [[0, 1]]);
});

test("nothing is passed through the model twice with the same parameters", async () => {
	const { asked } = await reconsidered([-0.5, -0.5], "odd", { alignment: night }, { deep: 3 });
	assert.equal(asked.length, 1);
});

test("of what the bank holds of the present domain its newest parameters count", async () => {
	const { domain } = firstKnowledge(bundle, [], { seed: 1, bank: 4, published: false, now: 0 });
	const old = {
		...record(
			SOURCE.map(() => 0),
			5,
		),
		id: domain.id,
	};
	const { asked } = await reconsidered([5, 5, -6], "odd", { alignment: night, domains: [old] });
	assert.deepEqual(
		asked.map(({ shifts }) => shifts),
		[[-6]],
	);
});

test("a camera that is behind waits for nothing", async () => {
	const { asked, after } = await reconsidered(
		[0, 0],
		"odd",
		{ alignment: night },
		{ waits: { live: true, waiting: 2 } },
	);
	assert.deepEqual(asked, []);
	assert.equal(after.activations.logits[0], 0);
	assert.deepEqual(placesOf(after), [[0, 1]], "what it is told by is kept all the same");
});
