import type { Tensor } from "./onnx.js";

/** How integers stand for floats: value = (integer − zero) · step. */
export interface Grid {
	readonly type: "uint8" | "int8" | "int32";
	/** One for the whole tensor, or one for each channel. */
	readonly steps: Float32Array;
	/** As many as steps. */
	readonly zeros: Int32Array;
	/** Where the channels are, when there are several steps. */
	readonly axis: number;
	/** The integers that are used, both ends included: all of the type's, or fewer where there are fewer bits. */
	readonly lowest: number;
	readonly highest: number;
}

/**
 * How a model's tensors are quantized, by name: those that flow, and its weights. A constant that stands here is its
 * integers' value to the last bit, so that rounding it again gives them back.
 */
export type Grids = ReadonlyMap<string, Grid>;

/** The channel that each element of a tensor belongs to, or 0 where one step is for all. */
export function channelOf({ steps, axis }: Grid, dims: Tensor["dims"]): (index: number) => number {
	if (steps.length === 1) return () => 0;
	const inner = dims.slice(axis + 1).reduce((product, length) => product * length, 1);
	return (index) => Math.floor(index / inner) % steps.length;
}
