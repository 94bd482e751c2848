import assert from "node:assert/strict";
import { test } from "node:test";
import { uniforms } from "./random.js";
import { isSmoothing, smooth, smoothingOf, unsmoothed, withSmoothing } from "./smoothing.js";

const smoothed = (pixels: readonly number[], width: number, height: number, times = 1) => {
	const planes = Uint8Array.from(pixels);
	smooth(planes, width, height, times);
	return [...planes];
};

test("a pixel is spread over its neighbours with the weights (1 2 1)/4 in both directions", () => {
	const picture = Array(25).fill(0);
	picture[12] = 160;
	assert.deepEqual(smoothed(picture, 5, 5), [
		...[0, 0, 0, 0, 0],
		...[0, 10, 20, 10, 0],
		...[0, 20, 40, 20, 0],
		...[0, 10, 20, 10, 0],
		...[0, 0, 0, 0, 0],
	]);
});

test("beyond the border the border goes on, and one plane does not run into the next", () => {
	const [flat, bright] = [Array(6).fill(80), Array(6).fill(255)];
	assert.deepEqual(smoothed([...flat, ...bright], 3, 2), [...flat, ...bright]);
	assert.deepEqual(smoothed([0, 0, 100, 0, 0, 100], 3, 2), [0, 25, 75, 0, 25, 75]);
	assert.deepEqual(smoothed([7], 1, 1), [7]);
});

test("noise loses most of its variance, a slope nothing", () => {
	const side = 64;
	const noise = [...uniforms(1, side * side)[0]].map((u) => 255 * u);
	const variance = (values: readonly number[]) => {
		const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
		return values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
	};
	// Σ w² of (1 2 1)/4 is 6/16, in both directions 9/64.
	assert.ok(Math.abs(variance(smoothed(noise, side, side)) / variance(noise) - 9 / 64) < 0.02);
	assert.ok(variance(smoothed(noise, side, side, 2)) < 0.09 * variance(noise));
	const slope = Array.from({ length: 25 }, (_, i) => 40 * (i % 5));
	const inner = (row: readonly number[]) => row.filter((_, i) => i % 5 > 0 && i % 5 < 4);
	assert.deepEqual(inner(smoothed(slope, 5, 5)), inner(slope));
});

test("twice is once and once again, and not at all leaves everything as it is", () => {
	const picture = [...uniforms(2, 48)[0]].map((u) => Math.floor(255 * u));
	assert.deepEqual(smoothed(picture, 4, 4, 2), smoothed(smoothed(picture, 4, 4), 4, 4));
	assert.deepEqual(smoothed(picture, 4, 4, 0), picture);
});

test("how often is the last of the parameters, and a small number", () => {
	const theta = unsmoothed(Float32Array.of(1, 2));
	assert.deepEqual(theta, Float32Array.of(1, 2, 0));
	assert.deepEqual(withSmoothing(theta, 2), Float32Array.of(1, 2, 2));
	assert.equal(smoothingOf(theta), 0, "the parameters that it began with are left alone");
	assert.deepEqual([0, 1, 16].map(isSmoothing), [true, true, true]);
	assert.deepEqual([-1, 0.5, 17, Number.NaN, Number.POSITIVE_INFINITY].map(isSmoothing), Array(5).fill(false));
});
