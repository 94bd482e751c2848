import assert from "node:assert/strict";
import { test } from "node:test";
import { lastValueFrom, of } from "rxjs";
import { memoryModel } from "../adapters/model.memory.js";
import { packed } from "./batch.js";
import { stemRows } from "./detect.js";
import { clear, LEARNING } from "./fixtures.js";
import { infer } from "./infer.js";
import { firstKnowledge } from "./knowledge.js";
import type { Knowledge, Model } from "./types.js";
import { smooth, withSmoothing } from "./zoa/smoothing.js";

const model = memoryModel();
const { bundle } = model;
const first = firstKnowledge(bundle, [], { seed: 1, bank: 4, published: false, now: 0 });
const frames = clear(3, 1).map((pixels, index) => ({ index, capturedAt: index, pixels }));
const smoothing: Knowledge = { ...first, alignment: withSmoothing(first.alignment, 1) };

const inferred = async (knowledge: Knowledge, { learning = true, forward = model.forward } = {}) => {
	const asked: [what: string, pixels: Uint8Array][] = [];
	const noted: Model = {
		...model,
		forward: (pixels, affine) => {
			asked.push(["forward", pixels.slice()]);
			return forward(pixels, affine);
		},
		look: (pixels) => {
			asked.push(["look", pixels.slice()]);
			return model.look(pixels);
		},
	};
	const step = of({ knowledge, frames, pixels: packed(frames) });
	const settings = learning ? { ...LEARNING, sweep: { cpu: 0.2 } } : undefined;
	return { asked, after: await lastValueFrom(step.pipe(infer(noted, settings))) };
};

const smoothed = () => {
	const pixels = packed(frames);
	smooth(pixels, 8, 8, 1);
	return pixels;
};

test("pictures that are smoothed are told apart as they are, by a look of its own", async () => {
	const { asked, after } = await inferred(smoothing);
	assert.deepEqual(asked, [
		["look", packed(frames)],
		["forward", smoothed()],
	]);
	const [asTheyAre, other] = [packed(frames), smoothed()].map((pixels) => model.forward(pixels, bundle.source.affine));
	assert.deepEqual(after.activations, await other);
	assert.deepEqual(after.stems, stemRows(bundle, await asTheyAre));
	assert.ok(after.affines.every((theta) => theta.at(-1) === 1));
});

test("pictures that are not, or of which nothing is to be learned, take none", async () => {
	assert.deepEqual((await inferred(first)).asked, [["forward", packed(frames)]]);
	assert.deepEqual((await inferred({ ...smoothing, frozen: true })).asked, [["forward", smoothed()]]);
	assert.deepEqual((await inferred(smoothing, { learning: false })).asked, [["forward", smoothed()]]);
});

test("what gives no numbers is predicted with the source's parameters, and its stems are numbers", async () => {
	let pass = 0;
	const broken: Model["forward"] = async (pixels, affine) => {
		const activations = await model.forward(pixels, affine);
		const spoiled = (values: Float32Array) => values.map(() => Number.NaN);
		return pass++ === 0
			? { ...activations, logits: spoiled(activations.logits), sites: spoiled(activations.sites) }
			: activations;
	};
	for (const knowledge of [first, smoothing]) {
		pass = 0;
		const { after } = await inferred(knowledge, { forward: broken });
		assert.equal(pass, 2);
		assert.equal(after.failed, 3);
		assert.equal(after.predictions.length, 3);
		assert.ok(after.stems.every((stem) => stem.every(Number.isFinite)));
		assert.ok(after.affines.every((theta) => theta.at(-1) === 0));
	}
});

test("a model that fails is one failure, though two answers were awaited", async () => {
	const unhandled: unknown[] = [];
	const note = (reason: unknown) => void unhandled.push(reason);
	process.on("unhandledRejection", note);
	const died = async () => {
		throw new Error("the model's thread died");
	};
	const step = of({ knowledge: smoothing, frames, pixels: packed(frames) });
	const dead: Model = { ...model, forward: died, look: died };
	await assert.rejects(lastValueFrom(step.pipe(infer(dead, LEARNING))), /the model's thread died/);
	await new Promise((resolve) => setTimeout(resolve, 20));
	process.off("unhandledRejection", note);
	assert.deepEqual(unhandled, []);
});
