import assert from "node:assert/strict";
import { test } from "node:test";
import { alike } from "./kinds.js";

const stem = (mean: number) => ({ mean: Float32Array.of(mean), variance: Float32Array.of(1) });

test("frames that look alike are put together, the largest group first", () => {
	assert.deepEqual(alike([0, 9, 9.1, 0.2, 9.2].map(stem)), [
		[1, 2, 4],
		[0, 3],
	]);
});

test("a stem that is not finite is alone", () => {
	assert.deepEqual(alike([Number.NaN, 0, 0].map(stem)), [[1, 2], [0]]);
});
