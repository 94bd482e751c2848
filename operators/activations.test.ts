import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen, gathered } from "./activations.js";
import type { Activations } from "./types.js";

const rows = (width: number) => Float32Array.from({ length: 4 * width }, (_, i) => i);
const activations: Activations = {
	frames: 4,
	...{ logits: rows(3), features: rows(2), taps: rows(5), stem: rows(4), sites: rows(8) },
};

test("frames are chosen by their places", () => {
	const { frames, logits, sites } = chosen(activations, [2, 0]);
	assert.equal(frames, 2);
	assert.deepEqual([...logits], [6, 7, 8, 0, 1, 2]);
	assert.equal(sites.length, 16);
});

test("parts put together are the whole again", () => {
	const parts = [[3, 1], [0], [2]].map((places) => ({ places, activations: chosen(activations, places) }));
	assert.deepEqual(gathered(parts), activations);
});
