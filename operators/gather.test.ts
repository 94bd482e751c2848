import assert from "node:assert/strict";
import { test } from "node:test";
import { firstValueFrom, of } from "rxjs";
import { memoryModel } from "../adapters/model.memory.js";
import { planOf } from "./anatomy.js";
import { gather } from "./gather.js";
import { firstKnowledge, unstudied } from "./knowledge.js";
import { isDue } from "./study.js";
import type { Kind, Knowledge, Recalled, Study } from "./types.js";
import { blankDetector } from "./zoa/detector.js";
import { channelsOf, moments, type RawMoments } from "./zoa/moments.js";
import { plus, zeros } from "./zoa/vector.js";

const { bundle } = memoryModel();
const { affine: SOURCE, sites: RAW } = bundle.source;
const { labels, sites } = bundle.manifest;
const plan = planOf(bundle);
const [{ channels }] = sites;
const TURNED = SOURCE.map(() => 0.25);

/** Raw moments of all sites whose means are off by so many of the source's standard deviations. */
const off = (shift: number): RawMoments => {
	const half = RAW.length / 2;
	return RAW.map((value, i) => {
		const c = i % half;
		const mean = RAW[c] + shift * Math.sqrt(Math.max(0, RAW[half + c] - RAW[c] ** 2));
		return i < half ? mean : value - RAW[c] ** 2 + mean ** 2;
	});
};

const stemOff = (shift: number): RawMoments => channelsOf(off(shift), 0, channels);

/** Some frames of a batch that are off alike. */
interface Group {
	readonly shift: number;
	readonly count: number;
	/** Their own domain's, or strangers of a kind or of none that is known. */
	readonly is?: "own" | Kind | undefined;
	/** Added to the source's parameters, with which they were predicted. */
	readonly by?: Float32Array;
}

const start = (): Knowledge => firstKnowledge(bundle, [], { seed: 1, bank: 4, published: false, now: 0 });

/** The knowledge after a batch of such frames. */
const after = async (
	groups: readonly Group[],
	verdict: Recalled["verdict"],
	knowledge = start(),
): Promise<Knowledge> => {
	const each = groups.flatMap((group) => new Array<Group>(group.count).fill(group));
	const frames = each.map((_, index) => ({ index, capturedAt: index, pixels: new Uint8Array(1) }));
	const from = groups.map((_, i) => groups.slice(0, i).reduce((sum, { count }) => sum + count, 0));
	const step = {
		...{ knowledge, frames, verdict, score: 1, detector: blankDetector, domainEvent: undefined, failed: 0 },
		activations: { frames: frames.length, sites: Float32Array.from(each.flatMap(({ shift }) => [...off(shift)])) },
		stems: each.map(({ shift }) => stemOff(shift)),
		thumbnails: frames.map((_, i) => Float32Array.from({ length: 16 }, (_, k) => Number(k === i))),
		affines: each.map(({ by }) => (by ? plus(SOURCE, by) : SOURCE)),
		predictions: frames.map((frame, i) => {
			const probabilities = Float32Array.from(labels, (_, c) => Number(c === i % labels.length));
			return { frame, label: i % labels.length, probabilities };
		}),
		strangers: groups.flatMap(({ is, count }, i) =>
			is === "own" ? [] : [{ kind: is, places: Array.from({ length: count }, (_, k) => from[i] + k) }],
		),
	} as unknown as Recalled;
	return (await firstValueFrom(of(step).pipe(gather(plan, { cpu: 0.2 })))).knowledge;
};

const counts = ({ candidates }: Knowledge) => candidates.map(({ tuned }) => tuned.frames);

/** A candidate that was swept. */
const candidate = (shift: number, alignment: Float32Array): Study => {
	const unknown = unstudied(labels.length);
	return { ...unknown, alignment, look: stemOff(shift), tuned: { ...unknown.tuned, frames: 16, sweeps: 1 } };
};

const kindOf = (shift: number, alignment: Float32Array, of?: Study): Kind => ({
	...{ stem: moments(stemOff(shift)), alignment },
	...(of && { candidate: of }),
});

test("strangers are studied by kind, and what looks like its domain with that", async () => {
	const one = await after(
		[
			{ shift: 6, count: 5 },
			{ shift: -6, count: 2, is: kindOf(-6, TURNED) },
			{ shift: 0, count: 1, is: "own" },
		],
		"odd",
	);
	assert.deepEqual(counts(one), [5, 2]);
	assert.equal(one.tuned.frames, 1);
	const two = await after([{ shift: 6.1, count: 8 }], "odd", one);
	assert.deepEqual(counts(two), [13, 2]);
	const passed = await after([{ shift: 0, count: 8, is: "own" }], "same", two);
	assert.deepEqual(counts(passed), [13, 2], "what has passed stays known");
	const changed = await after([{ shift: 6, count: 8 }], "changed", passed);
	assert.equal(changed.tuned.frames, 21);
	assert.deepEqual(counts(changed), [2]);
});

test("so many kinds are kept, and a change begins with what most frames are", async () => {
	const strange = [40, 10, -10, 20, -20, 30, -30].map((shift, i) => ({
		...{ shift, count: i === 0 ? 4 : 1 },
		is: kindOf(shift, TURNED),
	}));
	const odd = await after(strange, "odd");
	assert.deepEqual(counts(odd), [4, 1, 1, 1, 1, 1]);
	const changed = await after(strange, "changed");
	assert.equal(changed.tuned.frames, 4);
});

test("odds and ends take no room from what was learned, and begin one candidate at the most", async () => {
	const learned = [10, -10, 20, 100, -100].map((shift) => candidate(shift, TURNED));
	const blank: Study = { ...candidate(-20, zeros(SOURCE.length)), tuned: unstudied(labels.length).tuned };
	const known = { ...start(), candidates: [blank, ...learned] };
	const ends = [40, 60, 80].map((shift) => ({ shift, count: 1 }));
	const one = await after([{ shift: 20, count: 2, is: kindOf(20, TURNED, learned[2]) }, ...ends], "odd", known);
	assert.deepEqual(counts(one), [18, 1, 16, 16, 16, 16]);
	const two = await after(ends, "odd", one);
	assert.deepEqual(counts(two), [2, 18, 16, 16, 16, 16], "one of them is known by now");
	const three = await after([{ shift: 150, count: 1 }], "odd", two);
	assert.deepEqual(counts(three), [1, 18, 16, 16, 16, 16], "of which nothing was learned yet");
});

test("what is known to need no alignment begins no domain that has one", async () => {
	const mild = candidate(0.7, TURNED);
	const source = kindOf(0, zeros(SOURCE.length));
	const changed = await after([{ shift: 0.4, count: 8, is: source }], "changed", { ...start(), candidates: [mild] });
	assert.ok(changed.alignment.every((a) => a === 0));
	assert.deepEqual(counts(changed), [16]);
	const own = kindOf(0.7, TURNED, mild);
	const joined = await after([{ shift: 0.4, count: 8, is: own }], "changed", { ...start(), candidates: [mild] });
	assert.deepEqual(joined.alignment, TURNED);
});

test("only what is the domain's own tells whether its alignment still does", async () => {
	const aligned: Knowledge = { ...start(), alignment: TURNED, gain: 0.5 };
	const own = await after([{ shift: 9, count: 16, is: "own", by: TURNED }], "same", aligned);
	assert.ok(isDue({ ...own, tuned: { ...own.tuned, frames: 16 } }, plan));
	const strange = await after([{ shift: 9, count: 16, by: TURNED }], "odd", aligned);
	assert.deepEqual(strange.latest, []);
	assert.equal(strange.pictures.kept.length, 0);
	const otherwise = await after([{ shift: 9, count: 8, is: "own" }], "same", aligned);
	assert.deepEqual(otherwise.latest, [], "predicted with other parameters");
});
