import assert from "node:assert/strict";
import { test } from "node:test";
import { isMixture } from "./mixture.js";
import { uniforms } from "./random.js";

/** Stems [2,1] of frames around the given means. */
const stems = (...means: readonly number[]) =>
	Array.from(uniforms(5, 32)[0], (u, i) => {
		const mean = means[i % means.length] + u / 4;
		return Float32Array.of(mean, mean * mean + 0.1);
	});

test("frames of one condition are no mixture, frames of two are", () => {
	assert.equal(
		isMixture(stems(1), (moments) => moments),
		false,
	);
	assert.equal(
		isMixture(stems(0, 3), (moments) => moments),
		true,
	);
});
