import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryModel } from "../adapters/model.memory.js";
import { planOf, shownIn } from "./anatomy.js";
import { packed } from "./batch.js";
import { clear, hazy, irritable } from "./fixtures.js";
import { forward } from "./forward.js";
import { unstudied } from "./knowledge.js";
import { advanced, begun } from "./study.js";
import type { Model, Pictured, Study } from "./types.js";
import { attempted, maySmooth, residualOf } from "./zoa/attempt.js";
import { channelsOf } from "./zoa/moments.js";
import { uniforms } from "./zoa/random.js";
import { smoothingOf } from "./zoa/smoothing.js";
import { plus, zeros } from "./zoa/vector.js";

const model = memoryModel();
const plan = planOf(model.bundle);
const { labels, sites } = model.bundle.manifest;
const stem = channelsOf(model.bundle.source.sites, 0, sites[0].channels);

/** 32 frames, noisy by default, of a domain that has an alignment, which they were predicted with. */
const study = (noisy = 300): Study => {
	const kept = clear(32, 1).map((picture, i): Pictured => {
		const [noise] = uniforms(i, picture.length);
		const pixels = picture.map((v, p) => Math.min(255, Math.max(0, v + noisy * (noise[p] - 0.5))));
		const frame = { index: i, capturedAt: i, pixels };
		const probabilities = Float32Array.from(labels, () => 1 / labels.length);
		return { frame, probabilities, at: i + 1, thumbnail: zeros(16), stem, atSource: undefined };
	});
	const { tuned, ...blank } = unstudied(labels.length);
	return {
		...blank,
		pictures: { kept, seen: labels.map(() => 8) },
		alignment: plan.source.map((_, i) => (i < plan.source.length - 1 ? 0.2 : 0)),
		tuned: { ...tuned, frames: 32, sweeps: 1 },
	};
};

/** A sweep to its end, and the frames that went through the model with the alignment that there was, smoothed or not. */
const swept = async (irritation: number) => {
	const before = study();
	const passes: ("present" | "source" | "other")[] = [];
	const isOf = (affine: Float32Array, shift: number) =>
		affine.every((value, i) => Math.abs(value - plan.source[i] - shift) < 1e-6);
	const counted: Model["forward"] = (pixels, affine) => {
		const frames = pixels.length / 192;
		const kind = isOf(affine, 0.2) ? "present" : isOf(affine, 0) ? "source" : "other";
		passes.push(...new Array<typeof kind>(frames).fill(kind));
		return irritable(model, irritation)(pixels, affine);
	};
	let after = begun(before, plan, undefined);
	while (after.tuning) after = await advanced(after, { ...model, forward: counted }, plan);
	const count = (kind: string) => passes.filter((pass) => pass === kind).length;
	return { after, present: count("present"), source: count("source"), first: passes.slice(0, 72) };
};

test("where the source's parameters do, the alignment that there is goes, and smoothing is tried on a few frames", async () => {
	const { after, present, source } = await swept(0.05);
	assert.equal(present, 32, "it has its turn once the pictures are found to be worth smoothing");
	assert.equal(smoothingOf(after.alignment), 1);
	assert.equal(source, 32 + 8 + 32, "all, a few smoothed, all smoothed");
	const mild = await swept(0.01);
	assert.deepEqual(mild.after.alignment, zeros(plan.source.length));
	assert.deepEqual([mild.source, mild.present], [32, 0], "nothing is tried where little is out of line");
});

test("where they do not, the alignment that there is comes first, for all frames", async () => {
	const { first } = await swept(0.1);
	assert.deepEqual(first.slice(0, 64), [...new Array(32).fill("source"), ...new Array(32).fill("present")]);
	assert.ok(first.slice(64).every((kind) => kind !== "present"));
});

/** Clear frames in a haze that is a little thicker in the few over which smoothing is sought, and what is found for them. */
const hazed = async (alignment: Float32Array, gain: number) => {
	const haze = hazy(32, 1);
	const clean = study(0);
	const kept = clean.pictures.kept.map((picture, i) => {
		const share = i % 4 === 0 ? 0.6 : 0.5;
		const pixels = picture.frame.pixels.map((v, p) => Math.round((1 - share) * v + share * haze[i][p]));
		return { ...picture, frame: { ...picture.frame, pixels } };
	});
	const seen = async (theta: Float32Array) =>
		attempted(
			theta,
			plan.measurement(shownIn([await forward(model, packed(kept.map(({ frame }) => frame)), theta)])),
			plan,
		);
	const [source, tried] = [await seen(plan.source), await seen(plus(plan.source, alignment))];
	const sweep = async (isTrial: boolean, of = plan) => {
		// A model that doubts them more than usual tries what there is.
		let after = begun({ ...clean, pictures: { ...clean.pictures, kept }, alignment, gain }, of, 0.05, isTrial);
		while (after.tuning) after = await advanced(after, model, of);
		return after;
	};
	return { source, tried, sweep };
};

test("what was taken up for frames that are well in line without it is dropped, though it brings them further into line", async () => {
	const alignment = plan.source.map((_, i) => (i < plan.source.length - 1 ? 0.4 : 0));
	const { source, tried, sweep } = await hazed(alignment, 0.01);
	assert.ok(residualOf(tried, plan) < residualOf(source, plan) && !maySmooth(source, plan));
	assert.notDeepEqual((await sweep(true)).alignment, alignment);
	const unguarded = await sweep(true, planOf(model.bundle, "guard"));
	assert.deepEqual([unguarded.alignment, unguarded.gain], [alignment, 0.01], "what is expected of it stays");
});
