import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryModel } from "../adapters/model.memory.js";
import { planOf } from "./anatomy.js";
import { followed } from "./drift.js";
import { unstudied } from "./knowledge.js";
import { isDue } from "./study.js";
import type { Observed, Study } from "./types.js";
import { uniforms } from "./zoa/random.js";

const { bundle } = memoryModel();
const { labels, affine } = bundle.manifest;
const plan = planOf(bundle);

/** What all sites show of a frame whose means are off by so many deviations. */
const sitesOff = (gap: number): Float32Array => {
	const raw = bundle.source.sites;
	const half = raw.length / 2;
	return raw.map((value, i) => {
		const c = i % half;
		const variance = Math.max(0, raw[half + c] - raw[c] ** 2);
		const mean = raw[c] + gap * Math.sqrt(variance);
		return i < half ? mean : value - raw[c] ** 2 + mean ** 2;
	});
};

/** Frames of all labels in turn that show something each, or all the same. */
const seen = (count: number, gap: number, shows = (i: number) => i): Observed[] =>
	Array.from({ length: count }, (_, i) => {
		const [look] = uniforms(1 + shows(i), 16);
		const frame = { index: i, capturedAt: i, pixels: new Uint8Array(0) };
		const probabilities = Float32Array.from(labels, (_, c) => (c === i % labels.length ? 1 : 0));
		const thumbnail = Float32Array.from(look, (u) => u - 0.5);
		const length = Math.hypot(...thumbnail);
		return {
			picture: {
				frame,
				probabilities,
				at: i,
				thumbnail: thumbnail.map((v) => v / length),
				stem: sitesOff(0),
				atSource: undefined,
			},
			sites: sitesOff(gap),
		};
	});

const swept: Study = {
	...unstudied(labels.length),
	alignment: new Float32Array(affine).fill(0.1),
	tuned: { frames: 500, sweeps: 2, until: 500, enough: 32 },
	astray: 1,
};

test("frames that are in line are forgotten once they were looked at, and no sweep is due", () => {
	const after = followed(swept, seen(40, 0.1), plan);
	assert.equal(after.latest.length, 0);
	assert.ok(!isDue(after, plan));
	assert.equal(after.pictures, swept.pictures);
});

test("where the latest frames are far out of line they alone are kept, and a sweep is due", () => {
	const after = followed(swept, seen(40, 3), plan);
	assert.ok(isDue(after, plan));
	assert.ok(after.pictures.kept.length >= 16);
	assert.equal(
		after.pictures.seen.reduce((sum, count) => sum + count, 0),
		after.pictures.kept.length,
	);
});

test("nothing is told by frames that show the same, by few, during a sweep, or where the last one left them there", () => {
	assert.equal(
		followed(
			swept,
			seen(40, 3, () => 1),
			plan,
		).latest.length,
		1,
	);
	assert.ok(!isDue(followed(swept, seen(10, 3), plan), plan));
	const tuning = { frames: [], stems: [], done: [] } as unknown as Study["tuning"];
	assert.ok(followed({ ...swept, tuning }, seen(40, 3), plan).latest.length <= 16);
	assert.equal(followed({ ...swept, tuning }, seen(40, 3), plan).pictures, swept.pictures);
	assert.ok(!isDue(followed({ ...swept, astray: 1e6 }, seen(40, 3), plan), plan));
});

test("frames come together over rounds", () => {
	const [some, more] = [seen(12, 3), seen(40, 3).slice(12)];
	const after = followed(followed(swept, some, plan), more, plan);
	assert.ok(isDue(after, plan));
	assert.equal(after.pictures.kept[0].frame.index, 0);
});
