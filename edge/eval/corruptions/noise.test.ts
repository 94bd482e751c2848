import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomOf } from "../random.js";
import { deviation, flat, mean } from "./fixtures.js";
import { gaussianNoise, impulseNoise, shotNoise } from "./noise.js";
import { normals, poisson, roundAtRandom } from "./random.js";

const near = (actual: number, expected: number, share: number) =>
	assert.ok(Math.abs(actual - expected) <= share * expected, `${actual} is not about ${expected}`);

const SAMPLES = 200_000;
const sample = (draw: () => number) => Float32Array.from({ length: SAMPLES }, draw);

describe("random deviates", () => {
	it("are normal", () => {
		const deviates = sample(normals(randomOf(1)));
		assert.ok(Math.abs(mean(deviates)) < 0.01);
		near(deviation(deviates), 1, 0.01);
		near(deviates.filter((value) => value > 2).length / SAMPLES, 0.02275, 0.06);
	});

	it("are Poisson's, with a variance as large as the mean", () => {
		for (const expected of [0.3, 3, 60]) {
			const random = randomOf(2);
			const deviates = sample(() => poisson(expected, random));
			near(mean(deviates), expected, 0.02);
			near(deviation(deviates) ** 2, expected, 0.02);
		}
		assert.equal(poisson(0, randomOf(3)), 0);
		assert.ok(poisson(60, () => 1 - 2 ** -53) < 200, "the largest number ends too");
	});

	it("are rounded so that the mean square stays", () => {
		for (const value of [0.3, 1, 1.6, -2.5]) {
			const random = randomOf(4);
			const rounded = sample(() => roundAtRandom(value, random));
			near(mean(rounded.map((v) => v * v)), value * value, 0.02);
			assert.ok(rounded.every((v) => Math.abs(v - value) < 1 && Number.isInteger(v)));
		}
	});
});

describe("noise", () => {
	it("has the published deviation", () => {
		const noisy = gaussianNoise.apply(flat(128, 128, 0.5), 1, randomOf(1));
		near(deviation(noisy.data), 0.08, 0.02);
		near(mean(noisy.data), 0.5, 0.01);
	});

	it("of photons grows as the root of the light", () => {
		const [dim, bright] = [0.1, 0.4].map((light) => shotNoise.apply(flat(128, 128, light), 1, randomOf(1)));
		near(deviation(dim.data), Math.sqrt(0.1 / 60), 0.03);
		near(deviation(bright.data), Math.sqrt(0.4 / 60), 0.03);
		near(mean(bright.data), 0.4, 0.01);
	});

	it("of impulses is black or white in the published share of values, and nothing else", () => {
		const { data } = impulseNoise.apply(flat(128, 128, 0.5), 5, randomOf(1));
		const [black, white] = [0, 1].map((value) => data.filter((v) => v === value).length / data.length);
		near(black, 0.135, 0.05);
		near(white, 0.135, 0.05);
		assert.ok(data.every((value) => value === 0 || value === 0.5 || value === 1));
	});
});
