import assert from "node:assert/strict";
import { test } from "node:test";
import { apartness, misalignment, strangeness, tolerancesOf } from "./tolerance.js";

const SITES = [0, 1].map((k) => ({ offset: 2 * k, channels: 1, perturbed: true }));

test("a site at which classes lie apart may be further off, and the more so the fewer classes are in view", () => {
	// Two classes: alike at the first site, at −1 and 1 at the second. [mean, mean, mean square, mean square]
	const byClass = Float32Array.of(0, -1, 1, 2, 0, 1, 1, 2);
	const apart = apartness(SITES, Float32Array.of(0, 0, 1, 2), byClass);
	assert.ok(Math.abs(apart[0]) < 1e-6);
	assert.ok(apart[1] > 0.5);
	const [even, single] = [tolerancesOf(apart), tolerancesOf(apart, 1)];
	assert.ok(Math.abs(even[0] - single[0]) < 1e-6);
	assert.ok(even[0] < even[1] && even[1] < single[1]);
});

test("few frames may look stranger than many", () => {
	assert.ok(strangeness([0.15, 0], [0.1, 0.1], 8) < 1);
	assert.ok(strangeness([0.15, 0], [0.1, 0.1], 64) > 1);
});

test("a model of one site is judged by that", () => {
	assert.equal(misalignment([0.2], [0.1]), 2);
});
