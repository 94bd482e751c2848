import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { count, emptyHistogram, rangeOf } from "./histogram.js";

const values = (length: number, of: (index: number) => number) => Float32Array.from({ length }, (_, i) => of(i));

describe("a range taken from a histogram", () => {
	it("holds every value, whatever the order in which wider ones come", () => {
		for (const order of [
			[0.01, 3, -7],
			[-7, 3, 0.01],
		]) {
			const histogram = order.reduce(
				(sum, value) =>
					count(
						sum,
						values(10, () => value),
					),
				emptyHistogram(),
			);
			const { min, max } = rangeOf(histogram, 0);
			assert.ok(min <= -7 && min > -7.01, `${min}`);
			assert.ok(max >= 3 && max < 3.01, `${max}`);
		}
	});

	it("leaves out the share of values that may be clipped, on each side", () => {
		const histogram = count(
			emptyHistogram(),
			values(10_000, (i) => (i === 0 ? 500 : i === 1 ? -900 : i / 10_000)),
		);
		const { min, max } = rangeOf(histogram, 2e-4);
		assert.ok(min === 0 && max > 0.9 && max < 1.6, `${min} ${max}`);
	});

	it("reaches zero from either side", () => {
		assert.equal(
			rangeOf(
				count(
					emptyHistogram(),
					values(5, () => 4),
				),
				0,
			).min,
			0,
		);
		assert.equal(
			rangeOf(
				count(
					emptyHistogram(),
					values(5, () => -4),
				),
				0,
			).max,
			0,
		);
	});
});
