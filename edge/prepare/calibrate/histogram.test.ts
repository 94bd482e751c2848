import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { count, emptyHistogram, type Histogram, type Range, type RangeMethod, rangeOf } from "./histogram.js";

const values = (length: number, of: (index: number) => number) => Float32Array.from({ length }, (_, i) => of(i));
const histogramOf = (...parts: readonly Float32Array[]): Histogram => parts.reduce(count, emptyHistogram());
const METHODS: readonly RangeMethod[] = ["min-max", "percentile", "mse"];

/** Seeded values with mean 0 and deviation 1, by Box and Muller. */
function gaussian(length: number, seed = 1): Float32Array {
	let state = seed;
	const uniform = () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return (state + 0.5) / 2 ** 32;
	};
	return values(length, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** Mean squared error of really rounding to the grid of a range, zero being on the grid. */
function roundingError(all: Float32Array, { min, max }: Range, levels: number): number {
	const step = (max - min) / (levels - 1);
	const lowest = Math.round(min / step);
	let total = 0;
	for (const value of all) {
		const nearest = Math.max(lowest, Math.min(lowest + levels - 1, Math.round(value / step)));
		total += (value - nearest * step) ** 2;
	}
	return total / all.length;
}

/** The smallest error of any range, found by trying 40 × 40 of them. */
function smallestError(all: Float32Array, levels: number): number {
	const [low, high] = [Math.min(0, Math.min(...all)), Math.max(0, Math.max(...all))];
	const shares = Array.from({ length: 40 }, (_, i) => 0.88 ** i);
	const errors = shares.flatMap((a) =>
		(low === 0 ? [0] : shares).map((b) => roundingError(all, { min: b * low, max: a * high }, levels)),
	);
	return Math.min(...errors);
}

describe("a range that holds every value", () => {
	it("ends at the outermost ones, whatever the order in which wider ones come", () => {
		for (const order of [
			[0.01, 3, -7],
			[-7, 3, 0.01],
		]) {
			const histogram = histogramOf(...order.map((value) => values(10, () => value)));
			assert.deepEqual(rangeOf(histogram, "min-max", 256), { min: -7, max: 3 });
		}
	});

	it("holds a value on the very edge of the bins", () => {
		const histogram = histogramOf(
			values(1, () => -(2 ** -10)),
			values(1, () => -4),
			values(1, () => 4),
		);
		assert.equal(
			histogram.bins.reduce((sum, n) => sum + n, 0),
			3,
		);
	});

	it("leaves out what is not finite", () => {
		const wild = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -2, Number.NEGATIVE_INFINITY, 5);
		for (const method of METHODS) {
			const { min, max } = rangeOf(histogramOf(wild), method, 256);
			assert.ok(Math.abs(min + 2) < 0.05 && Math.abs(max - 5) < 0.05, `${method}: ${min} ${max}`);
		}
	});
});

describe("a range taken from a histogram, by any method", () => {
	for (const method of METHODS) {
		it(`reaches zero from either side (${method})`, () => {
			const above = rangeOf(histogramOf(values(5, () => 4)), method, 16);
			const below = rangeOf(histogramOf(values(5, () => -4)), method, 16);
			assert.equal(above.min, 0);
			assert.ok(Math.abs(above.max - 4) < 0.01, `${above.max}`);
			assert.ok(below.max === 0 && Math.abs(below.min + 4) < 0.01, `${below.min}`);
		});

		it(`is empty without values and where all are zero (${method})`, () => {
			for (const histogram of [emptyHistogram(), histogramOf(new Float32Array(9))]) {
				const { min, max } = rangeOf(histogram, method, 16);
				assert.ok(min === 0 && max === 0, `${min} ${max}`);
			}
		});

		it(`is the same every time and in whatever parts the values come (${method})`, () => {
			const all = gaussian(20_000);
			const parts = [all.subarray(15_000), all.subarray(0, 15_000)];
			assert.deepEqual(rangeOf(histogramOf(all), method, 64), rangeOf(histogramOf(...parts), method, 64));
		});
	}
});

describe("a range that leaves out the outermost values", () => {
	it("clips one in a million on each side", () => {
		const all = values(3_000_000, (i) => (i === 0 ? 500 : i === 1 ? -900 : (i % 1000) / 1000));
		const { min, max } = rangeOf(histogramOf(all), "percentile", 256);
		assert.ok(min === 0 && max > 0.9 && max < 1.6, `${min} ${max}`);
	});

	it("is never wider than what was seen", () => {
		const { min, max } = rangeOf(histogramOf(Float32Array.of(-0.3, 0.7)), "percentile", 256);
		assert.deepEqual([min, max], [Math.fround(-0.3), Math.fround(0.7)]);
	});
});

describe("a range with the smallest squared error", () => {
	it("holds all of what is evenly spread, but for half a step", () => {
		const all = values(50_000, (i) => -3 + (8 * i) / 50_000);
		for (const levels of [16, 64, 256]) {
			const { min, max } = rangeOf(histogramOf(all), "mse", levels);
			const step = 8 / (levels - 1);
			assert.ok(min + 3 < step && 5 - max < step, `${levels} levels: ${min} ${max}`);
		}
	});

	it("clips a Gaussian of 16 levels at about 2.5 deviations, where the optimum is known to lie", () => {
		const { min, max } = rangeOf(histogramOf(gaussian(200_000)), "mse", 16);
		// Max (1960): 16 even levels lie 0.335 deviations apart.
		assert.ok(Math.abs((max - min) / 15 - 0.335) < 0.012, `step ${(max - min) / 15}`);
		assert.ok(max > 2.2 && max < 2.9 && min < -2.2 && min > -2.9, `${min} ${max}`);
	});

	it("clips less the more levels there are", () => {
		const histogram = histogramOf(gaussian(200_000));
		const widths = [16, 64, 256].map((levels) => {
			const { min, max } = rangeOf(histogram, "mse", levels);
			return max - min;
		});
		assert.ok(widths[0] < widths[1] && widths[1] < widths[2], `${widths}`);
	});

	const normal = gaussian(5_000);
	const kinds: Record<string, Float32Array> = {
		"a Gaussian": normal,
		"heavy tails": normal.map((value) => value * Math.abs(value) ** 1.5),
		"the output of a ReLU": normal.map((value) => Math.max(0, value)),
		"the output of a GELU": normal.map((value) => (2 * value) / (1 + Math.exp(-3.4 * value))),
		"mostly tiny values with rare large ones": normal.map((value, i) => (i % 100 === 0 ? 8 * value : value / 10)),
		"values of one sign, far from zero": normal.map((value) => value - 9),
		"one outlier of 1000 deviations": normal.map((value, i) => (i === 77 ? 1000 : value)),
	};
	for (const [name, all] of Object.entries(kinds)) {
		it(`errs hardly more than the best of 1600 ranges on ${name}`, () => {
			for (const levels of [16, 64, 256]) {
				const found = roundingError(all, rangeOf(histogramOf(all), "mse", levels), levels);
				const best = smallestError(all, levels);
				assert.ok(found <= 1.03 * best, `${levels} levels: ${found} instead of ${best}`);
			}
		});
	}

	it("does not spend levels on the side that a ReLU has left empty", () => {
		const { min, max } = rangeOf(histogramOf(gaussian(100_000).map((value) => Math.max(0, value))), "mse", 16);
		assert.ok(min === 0 && max > 2 && max < 3.5, `${min} ${max}`);
	});

	it("clips a single value of 100 deviations", () => {
		const all = gaussian(200_000);
		all[123] = 100;
		const { max } = rangeOf(histogramOf(all), "mse", 16);
		assert.ok(max < 6, `${max}`);
	});

	it("has its ends and zero on one grid", () => {
		const { min, max } = rangeOf(histogramOf(gaussian(10_000)), "mse", 16);
		const below = -min / ((max - min) / 15);
		assert.ok(Math.abs(below - Math.round(below)) < 1e-9, `${below}`);
	});
});
