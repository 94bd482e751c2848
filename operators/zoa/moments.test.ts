import assert from "node:assert/strict";
import { test } from "node:test";
import { aligned, beyond } from "./align.js";
import { channelsOf, floored, moments, pooled, shiftScore } from "./moments.js";
import { uniforms } from "./random.js";

/** Raw moments [2,2] of frames of two channels and four positions. */
const FRAMES = [1, 2, 3].map((seed) => uniforms(seed, 8)[0]);
const rawOf = (values: Float64Array) =>
	Float32Array.from(
		[0, 4]
			.map((at) => values.subarray(at, at + 4))
			.flatMap((_, c, all) => [mean(all[c])])
			.concat([0, 4].map((at) => mean(values.subarray(at, at + 4).map((x) => x * x)))),
	);
const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;

test("frames' moments add up to the window's, with the unbiased variance", () => {
	const { mean: means, variance } = moments(pooled(FRAMES.map(rawOf)), 12);
	for (const channel of [0, 1]) {
		const all = FRAMES.flatMap((frame) => Array.from(frame.subarray(4 * channel, 4 * channel + 4)));
		const m = all.reduce((a, b) => a + b, 0) / 12;
		const v = all.reduce((sum, x) => sum + (x - m) ** 2, 0) / 11;
		assert.ok(Math.abs(means[channel] - m) < 1e-6);
		assert.ok(Math.abs(variance[channel] - v) < 1e-5);
	}
});

test("channels can be taken out of moments as moments", () => {
	assert.deepEqual(Array.from(channelsOf(Float32Array.of(1, 2, 3, 10, 20, 30), 1, 2)), [2, 3, 20, 30]);
});

test("the shift score is symmetric, zero for the same and grows with the distance", () => {
	const a = { mean: Float32Array.of(0, 1), variance: Float32Array.of(1, 2) };
	const b = { mean: Float32Array.of(0.5, 1), variance: Float32Array.of(2, 1) };
	const c = { mean: Float32Array.of(2, 1), variance: Float32Array.of(2, 1) };
	assert.ok(Math.abs(shiftScore(a, b) - shiftScore(b, a)) < 1e-12);
	assert.ok(Math.abs(shiftScore(a, a)) < 1e-6);
	assert.ok(shiftScore(a, c) > shiftScore(a, b));
});

test("a black frame gives a large score and not an infinite one", () => {
	const source = { mean: Float32Array.of(0.4), variance: Float32Array.of(0.2) };
	const black = { mean: Float32Array.of(0), variance: Float32Array.of(0) };
	const score = shiftScore(floored(black, source), source);
	assert.ok(score > 10 && Number.isFinite(score), String(score));
});

test("alignment undoes a per-channel change of contrast and brightness", () => {
	const sites = [{ offset: 0, channels: 2, perturbed: false }];
	const source = Float32Array.of(1, 2, 0, -1);
	const target = Float32Array.of(0.5, -1, 0.25 + 4, 1 + 1); // means ½, −1; variances 4, 1
	const [gain, shift] = [0.2, 3];
	const seen = Float32Array.of(0.5 * gain + shift, -gain + shift, 0, 0);
	seen[2] = seen[0] ** 2 + 4 * gain ** 2;
	seen[3] = seen[1] ** 2 + 1 * gain ** 2;
	const alignment = aligned(sites, source, seen, target, beyond(0.1));
	for (const c of [0, 1]) {
		const x = 0.7;
		const before = source[c] * x + source[2 + c];
		const after = (source[c] + alignment[c]) * (gain * x + shift) + source[2 + c] + alignment[2 + c];
		assert.ok(Math.abs(after - before) < 1e-4, `${after} instead of ${before}`);
	}
});
