import assert from "node:assert/strict";
import { test } from "node:test";
import { isMixture } from "./mixture.js";
import type { Moments } from "./moments.js";
import { uniforms } from "./random.js";

/** Stems [2,1] of frames around the given means. */
const stems = (...means: readonly number[]) =>
	Array.from(uniforms(5, 32)[0], (u, i) => {
		const mean = means[i % means.length] + u / 4;
		return Float32Array.of(mean, mean * mean + 0.1);
	});

const SOURCE = { mean: Float32Array.of(0), variance: Float32Array.of(0.1) };
const asIs = (moments: Moments) => moments;

test("frames of one condition are no mixture, frames of two are", () => {
	assert.equal(isMixture(stems(1), SOURCE, asIs), false);
	assert.equal(isMixture(stems(-3, 3), SOURCE, asIs), true);
});

test("some of the source's frames among those of another condition make a mixture, a single one does not", () => {
	const other = stems(1.2);
	const own = stems(-0.12);
	assert.equal(isMixture([...other.slice(0, 16), ...own.slice(0, 8)], SOURCE, asIs), true);
	assert.equal(isMixture([...other.slice(0, 31), own[0]], SOURCE, asIs), false);
});
