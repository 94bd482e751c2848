import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { activationGrid, type Bits, weightGrid } from "./grids.js";

const BITS: readonly Bits[] = [4, 6, 8];

describe("the grid of an activation", () => {
	for (const bits of BITS) {
		it(`has ${2 ** bits} integers from the smallest to the largest value, in ${bits} bits`, () => {
			const { type, steps, zeros, lowest, highest } = activationGrid({ min: -1, max: 3 }, bits);
			assert.deepEqual([type, lowest, highest], ["uint8", 0, 2 ** bits - 1]);
			const value = (integer: number) => (integer - zeros[0]) * steps[0];
			assert.ok(Math.abs(value(lowest) + 1) <= steps[0] / 2 + 1e-6);
			assert.ok(Math.abs(value(highest) - 3) <= steps[0] / 2 + 1e-6);
		});
	}

	it("has an integer that stands for exactly 0, at the end where nothing is beyond 0", () => {
		assert.equal(activationGrid({ min: 0, max: 6 }, 8).zeros[0], 0);
		assert.equal(activationGrid({ min: -6, max: 0 }, 8).zeros[0], 255);
		assert.ok(Number.isInteger(activationGrid({ min: -0.7, max: 0.31 }, 6).zeros[0]));
	});

	it("has a step above 0 for a tensor of nothing but zeros", () => {
		assert.ok(activationGrid({ min: 0, max: 0 }, 4).steps[0] > 0);
	});
});

describe("the grid of a weight", () => {
	for (const bits of BITS) {
		it(`is symmetric, with a step for each channel that its largest value fits, in ${bits} bits`, () => {
			const most = 2 ** (bits - 1) - 1;
			const grid = weightGrid(Float32Array.of(1, -2, 0.5, 0.25, 0, 0), [3, 2], 0, bits);
			assert.deepEqual([grid.type, grid.lowest, grid.highest], ["int8", -most, most]);
			assert.deepEqual(Array.from(grid.zeros), [0, 0, 0]);
			// A channel of zeros has some step.
			assert.deepEqual(Array.from(grid.steps), [Math.fround(2 / most), Math.fround(0.5 / most), 1]);
		});
	}

	it("may have its channels along the last axis", () => {
		const { steps } = weightGrid(Float32Array.of(1, -2, 127, 0.5), [2, 2], 1, 8);
		assert.deepEqual(Array.from(steps), [1, Math.fround(2 / 127)]);
	});
});
