import type { Range } from "../calibrate/histogram.js";
import { channelOf, type Grid } from "../graph/grid.js";

/** Bits of an integer that stands for a weight or an activation, on kernels for 8. */
export type Bits = 4 | 6 | 8;

/** Asymmetric, one step for the whole tensor: 2^bits integers over a range that includes 0. */
export function activationGrid({ min, max }: Range, bits: Bits): Grid {
	const highest = 2 ** bits - 1;
	const step = Math.fround(Math.max(max - min, 1e-6) / highest);
	const zero = Math.max(0, Math.min(highest, Math.round(-min / step)));
	return { type: "uint8", steps: Float32Array.of(step), zeros: Int32Array.of(zero), axis: 0, lowest: 0, highest };
}

/** Leaves room in 32 bits for a convolution's products beside its bias. */
const LARGEST_BIAS = 2 ** 29;
/** Below this a step's inverse is not finite in float32. */
const SMALLEST_STEP = 1e-30;

/** The grid with steps wide enough for a bias to be written in units of input step × weight step: a dead channel has next to none. */
export function withRoomFor(bias: Float32Array | undefined, inputStep: number, grid: Grid): Grid {
	const steps = grid.steps.map((step, c) =>
		Math.max(step, Math.abs(bias?.[c] ?? 0) / (inputStep * LARGEST_BIAS), SMALLEST_STEP),
	);
	return { ...grid, steps };
}

/** Symmetric around 0, −(2^(bits−1) − 1) to 2^(bits−1) − 1, with a step for each channel along `axis`. */
export function weightGrid(values: Float32Array, dims: readonly number[], axis: number, bits: Bits): Grid {
	const highest = 2 ** (bits - 1) - 1;
	const steps = new Float32Array(dims[axis]);
	const grid: Grid = { type: "int8", steps, zeros: new Int32Array(dims[axis]), axis, lowest: -highest, highest };
	const channel = channelOf(grid, dims);
	for (const [i, value] of values.entries()) steps[channel(i)] = Math.max(steps[channel(i)], Math.abs(value) / highest);
	// A channel of nothing but zeros.
	for (const c of steps.keys()) steps[c] ||= 1;
	return grid;
}
