import assert from "node:assert/strict";
import { it } from "node:test";
import { uniforms } from "../../../operators/zoa/random.js";
import { argmax } from "../../../operators/zoa/vector.js";
import { agreement, answersOf, invented, labelsOf, numbered } from "./fixtures.js";
import { affinities, assigned, lame } from "./lame.js";

const vectors = (count: number, seed: number) =>
	Array.from({ length: count }, (_, i) => Float32Array.from(uniforms(seed + i, 3)[0], (u) => u - 0.5));

it("lame's neighbours are five a frame, the same both ways and never itself", () => {
	const weights = affinities(vectors(20, 1));
	for (const [i, row] of weights.entries()) {
		assert.equal(row[i], 0);
		assert.ok(row.every((weight, j) => weight === weights[j][i]));
	}
	assert.equal(
		weights.reduce((sum, row) => sum + row.reduce((a, b) => a + b), 0),
		20 * 5,
	);
});

it("lame leaves a frame alone as it is, and frames that agree with their neighbours where they are", () => {
	const one = [Float32Array.of(0.7, 0.2, 0.1)];
	const [same] = assigned(one, affinities([Float32Array.of(1, 0)]));
	assert.ok(same.every((p, c) => Math.abs(p - one[0][c]) < 1e-6));
	const sure = vectors(12, 3).map((_, i) => Float32Array.of(...(i < 6 ? [0.9, 0.1] : [0.1, 0.9])));
	const places = sure.map((_, i) => Float32Array.of(...(i < 6 ? [1, 0.01 * i] : [0.01 * i, 1])));
	assert.deepEqual(assigned(sure, affinities(places)).map(argmax), sure.map(argmax));
});

it("lame puts right what a batch's clusters say otherwise of, as where a clip shows one class at a time", async () => {
	// Three clusters, each a class; the first one's edge lies beyond the model's border at 45°.
	const head = Float32Array.of(6, 0, 0, 6, -6, -6);
	const model = invented(head, (frame) => {
		const centre = [25, 110, 225][Math.floor(frame / 20)];
		const angle = ((centre + 27 * (((frame * 1.236) % 2) - 1)) * Math.PI) / 180;
		return [Math.cos(angle), Math.sin(angle)];
	});
	const frames = numbered(60);
	const truth = frames.map(({ index }) => Math.floor(index / 20));
	const { logits } = await model.forward(new Uint8Array(Buffer.concat(frames.map(({ pixels }) => pixels))), head);
	const before = agreement(
		truth.map((_, i) => argmax(logits.subarray(3 * i, 3 * i + 3))),
		truth,
	);
	const after = agreement(labelsOf(await answersOf(lame, model, [frames])), truth);
	assert.ok(before < 1 && after === 1, `${before} before, ${after} after`);
});
