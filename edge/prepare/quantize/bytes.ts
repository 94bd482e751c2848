import { type Draft, floats, signedBytes, unsignedBytes, wholeNumbers } from "../graph/graph.js";
import { channelOf, type Grid } from "../graph/grid.js";
import type { Tensor } from "../graph/onnx.js";

/** A tensor of integers and what they stand for. */
export interface Bytes {
	readonly tensor: string;
	/** Constants that hold step and zero. */
	readonly step: string;
	readonly zero: string;
	readonly grid: Grid;
}

/** Constants of a grid. */
export function stepAndZero(draft: Draft, grid: Grid): Pick<Bytes, "step" | "zero"> {
	const dims = grid.steps.length === 1 ? [] : [grid.steps.length];
	return {
		step: draft.constant("step", floats(dims, grid.steps)),
		zero: draft.constant("zero", integersOf(grid, dims, grid.zeros)),
	};
}

/** Integers as a constant of the grid's type. */
export const integersOf = ({ type }: Grid, dims: readonly number[], values: ArrayLike<number>): Tensor =>
	({ uint8: unsignedBytes, int8: signedBytes, int32: wholeNumbers })[type](dims, values);

/** A float tensor as integers. */
export function rounded(draft: Draft, input: string, grid: Grid): Bytes {
	const constants = stepAndZero(draft, grid);
	const tensor = draft.add("QuantizeLinear", [input, constants.step, constants.zero]);
	return { tensor: limited(draft, tensor, grid), ...constants, grid };
}

/** Keeps integers within a grid of fewer than a byte's, which the kernels know nothing of. */
export function limited(draft: Draft, tensor: string, grid: Grid): string {
	const [lowest, highest] = LIMITS[grid.type];
	if (grid.lowest <= lowest && grid.highest >= highest) return tensor;
	const bound = (value: number) => draft.constant("bound", integersOf(grid, [], [value]));
	return draft.add("Clip", [tensor, bound(grid.lowest), bound(grid.highest)]);
}

const LIMITS = { uint8: [0, 255], int8: [-128, 127], int32: [-(2 ** 31), 2 ** 31 - 1] } as const;

/** The integers that stand for a constant's values. */
export function roundedConstant(values: Float32Array, dims: readonly number[], grid: Grid): Int32Array {
	const channel = channelOf(grid, dims);
	const whole = new Int32Array(values.length);
	// A loop, since `Int32Array.from` takes ten times as long on the millions of weights that there are.
	for (let i = 0; i < values.length; i++) {
		const c = channel(i);
		whole[i] = Math.max(grid.lowest, Math.min(grid.highest, Math.round(values[i] / grid.steps[c]) + grid.zeros[c]));
	}
	return whole;
}

/** Whether nothing outside the bounds has an integer, so that rounding alone keeps values within them. */
export const isWithin = ({ lowest, highest, steps, zeros }: Grid, bounds: { min: number; max: number }): boolean => {
	const [low, high] = [lowest, highest].map((integer) => (integer - zeros[0]) * steps[0]);
	const half = steps[0] / 2;
	return low >= bounds.min - half && high <= bounds.max + half;
};
