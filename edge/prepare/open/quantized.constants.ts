/** Grids as they stand in a model's constants, and constants on them. */

import { Mistake } from "../../mistake.js";
import { floats, toFloats } from "../graph/graph.js";
import { channelOf, type Grid } from "../graph/grid.js";
import { ElementType, type Graph, type Tensor } from "../graph/onnx.js";

const RANGES = { uint8: [0, 255], int8: [-128, 127], int32: [-(2 ** 31), 2 ** 31 - 1] } as const;
const OTHER_TYPES: Readonly<Record<number, string>> = {
	...{ 1: "float32", 4: "uint16", 5: "int16", 7: "int64", 10: "float16", 16: "bfloat16" },
	...{ 17: "float8", 18: "float8", 19: "float8", 20: "float8", 21: "uint4", 22: "int4", 23: "float4" },
};

/** The integers a grid may have, by ONNX's number. */
export function gridType(type: number, tensor: string): Grid["type"] {
	const found = (Object.keys(RANGES) as Grid["type"][]).find((name) => ElementType[name] === type);
	if (found !== undefined) return found;
	throw new Mistake(`quantizes ${tensor} to ${OTHER_TYPES[type] ?? `element type ${type}`}; expected int8 or uint8`);
}

/** What a node says of the integers `tensor`. */
export interface Stated {
	readonly tensor: string;
	readonly step: string;
	/** Empty: zero. */
	readonly zero: string;
	/** The type where no zero tells it. */
	readonly type: number;
	readonly axis: number;
	/** Lengths of the tensor where it is a constant. What flows has one step for all. */
	readonly dims: Tensor["dims"] | undefined;
}

/** @throws {Mistake} when steps or zeros are not constants, or such as are not handled */
export function readGrid({ constants }: Pick<Graph, "constants">, stated: Stated): Grid {
	const { tensor, dims } = stated;
	const refuse = (what: string): never => {
		throw new Mistake(`${what} ${tensor}`);
	};
	const constant = (name: string, what: string) => {
		const found = constants.get(name);
		return found ?? refuse(`computes the ${what} while it runs (${name}); expected a constant ${what} for`);
	};
	const step = constant(stated.step, "quantization step");
	if (step.type !== ElementType.float32) {
		refuse(`has a quantization step of ${OTHER_TYPES[step.type] ?? `element type ${step.type}`}; expected float32 for`);
	}
	if (step.dims.length > 1) refuse("quantizes in blocks; expected one step, or one for each channel, for");
	const zero = stated.zero === "" ? undefined : constant(stated.zero, "zero point");
	const type = gridType(zero?.type ?? stated.type, tensor);
	const steps = toFloats(step);
	if (steps.some((value) => !(value > 0 && value < Number.POSITIVE_INFINITY))) {
		refuse("has a quantization step that is not positive; expected positive steps for");
	}
	const axis = steps.length === 1 ? 0 : stated.axis + (stated.axis < 0 ? (dims?.length ?? 0) : 0);
	if (steps.length > 1 && dims === undefined) refuse("quantizes by channel what is no weight; expected one step for");
	if (steps.length > 1 && dims?.[axis] !== steps.length) {
		refuse(`has ${steps.length} quantization steps along axis ${axis}, which is ${dims?.[axis]} long, for`);
	}
	const zeros = zero === undefined ? new Int32Array(steps.length) : toWhole(zero);
	if (zeros.length !== steps.length) refuse(`has ${steps.length} steps but ${zeros.length} zero points for`);
	const [lowest, highest] = RANGES[type];
	return { type, steps, zeros, axis, lowest, highest };
}

/** The grid of a bias: zero is 0, and its steps are the products of its operands' steps, in float32 as ONNX Runtime has them. */
export function biasGrid(input: Grid, weight: Grid, factor: number, dims: Tensor["dims"]): Grid {
	const steps = weight.steps.map((step) => Math.fround(Math.fround(input.steps[0] * step) * factor));
	const [lowest, highest] = RANGES.int32;
	return { type: "int32", steps, zeros: new Int32Array(steps.length), axis: dims.length - 1, lowest, highest };
}

export const sameGrid = (a: Grid | undefined, b: Grid) =>
	a !== undefined &&
	a.type === b.type &&
	a.axis === b.axis &&
	a.steps.length === b.steps.length &&
	a.steps.every((step, i) => step === b.steps[i] && a.zeros[i] === b.zeros[i]);

/** The elements of an int8, uint8 or int32 constant. */
export function toWhole({ type, bytes }: Tensor): Int32Array {
	if (type === ElementType.int32) return new Int32Array(new Uint8Array(bytes).buffer);
	return Int32Array.from(type === ElementType.int8 ? new Int8Array(new Uint8Array(bytes).buffer) : bytes);
}

/** What integers stand for, in float32 at every step as ONNX's definition has it. */
export function valuesOf(tensor: Tensor, grid: Grid): Tensor {
	const channel = channelOf(grid, tensor.dims);
	const value = (whole: number, i: number) => {
		const c = channel(i);
		return Math.fround(whole - grid.zeros[c]) * grid.steps[c];
	};
	return floats(tensor.dims, Float32Array.from(toWhole(tensor), value));
}

/** The integers for floats: rounded, halves to the even one as QuantizeLinear does, and kept in the grid. */
export function roundTo(grid: Grid, tensor: Tensor): Int32Array {
	const channel = channelOf(grid, tensor.dims);
	return Int32Array.from(toFloats(tensor), (value, i) => {
		const c = channel(i);
		const whole = roundToEven(Math.fround(value / grid.steps[c])) + grid.zeros[c];
		return Math.max(grid.lowest, Math.min(grid.highest, whole));
	});
}

function roundToEven(value: number): number {
	const rounded = Math.round(value);
	return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Turns a constant, and its grid with it. */
export function transposed(tensor: Tensor, grid: Grid, perm: readonly number[]): { tensor: Tensor; grid: Grid } {
	const dims = perm.map((axis) => tensor.dims[axis]);
	const stride = (axis: number) => tensor.dims.slice(axis + 1).reduce((product, length) => product * length, 1);
	const strides = perm.map(stride);
	const source = toFloats(tensor);
	const turned = source.map((_, index) => {
		let [rest, from] = [index, 0];
		for (let axis = dims.length - 1; axis >= 0; axis--) {
			from += (rest % dims[axis]) * strides[axis];
			rest = Math.floor(rest / dims[axis]);
		}
		return source[from];
	});
	const axis = grid.steps.length === 1 ? grid.axis : perm.indexOf(grid.axis);
	return { tensor: floats(dims, turned), grid: { ...grid, axis } };
}
