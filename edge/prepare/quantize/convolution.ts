import type { Exposed } from "../expose/expose.js";
import { type Draft, floats, integers, ints, intsOf, toFloats, wholeNumbers } from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import type { Node, Tensor } from "../graph/onnx.js";
import { type Bytes, integersOf, limited, roundedConstant, stepAndZero } from "./bytes.js";
import type { Convolution } from "./plan.js";

/** A convolution's constants as integers. */
interface Weights {
	readonly weight: string;
	/** A step for each output channel. */
	readonly steps: Float32Array;
	readonly zero: string;
	/** Bias in units of input step × weight step. */
	readonly bias: Int32Array;
}

/** An opened convolution whose weight steps and bias no node makes yet. */
export interface Pending {
	readonly map: Exposed["maps"][number];
	readonly weights: Weights;
	readonly inputStep: number;
	/** Names of the tensors that scale and bias of QLinearConv come from. */
	readonly scale: string;
	readonly bias: string;
}

/**
 * Convolves bytes into bytes. A ReLU or Clip behind it is in the range of the result. The affine of a site costs no pass of
 * its own: γ goes into the steps of the weights and β into the integers of the bias, both before anything is rounded to a
 * byte, so that what fog and night have pressed together comes out on the whole grid again.
 */
export function convolve(
	draft: Draft,
	{ node, map }: Convolution,
	input: Bytes,
	weightGrid: Grid,
	result: Grid,
	bias: Float32Array | undefined,
): { bytes: Bytes; pending?: Pending; constants: Weights } {
	const constants = roundedWeights(draft, node, input.grid, weightGrid, bias);
	const weightStep = map ? draft.fresh("weight.step") : draft.constant("weight.step", vector(constants.steps));
	const wholeBias = map ? draft.fresh("bias.int32") : draft.constant("bias.int32", whole(constants.bias));
	const ends = stepAndZero(draft, result);
	const inputs = [
		input.tensor,
		input.step,
		input.zero,
		constants.weight,
		weightStep,
		constants.zero,
		ends.step,
		ends.zero,
	];
	const tensor = draft.add("QLinearConv", [...inputs, wholeBias], ...node.attributes);
	return {
		bytes: { tensor: limited(draft, tensor, result), ...ends, grid: result },
		constants,
		...(map && {
			pending: { map, weights: constants, inputStep: input.grid.steps[0], scale: weightStep, bias: wholeBias },
		}),
	};
}

/** The convolution at every step-th row and column of its output only, without affine: what moments are taken of. */
export function convolveThinned(
	draft: Draft,
	node: Node,
	input: Bytes,
	weights: Weights,
	step: number,
	grid: Grid,
): Bytes {
	const ends = stepAndZero(draft, grid);
	const strides = (intsOf(node, "strides") ?? [1, 1]).map((stride) => stride * step);
	const attributes = [...node.attributes.filter(({ name }) => name !== "strides"), ints("strides", ...strides)];
	const tensor = draft.add(
		"QLinearConv",
		[
			...[input.tensor, input.step, input.zero, weights.weight],
			draft.constant("weight.step", vector(weights.steps)),
			...[weights.zero, ends.step, ends.zero],
			draft.constant("bias.int32", whole(weights.bias)),
		],
		...attributes,
	);
	return { tensor, ...ends, grid };
}

function roundedWeights(draft: Draft, node: Node, input: Grid, grid: Grid, bias: Float32Array | undefined): Weights {
	const weight = draft.constants.get(node.inputs[1]) as Tensor;
	const [channels] = weight.dims;
	const steps = grid.steps.length === 1 ? new Float32Array(channels).fill(grid.steps[0]) : grid.steps;
	const zeros = grid.zeros.length === 1 ? new Int32Array(channels).fill(grid.zeros[0]) : grid.zeros;
	return {
		weight: draft.constant(
			"weight.int8",
			integersOf(grid, weight.dims, roundedConstant(toFloats(weight), weight.dims, grid)),
		),
		steps,
		zero: draft.constant("weight.zero", integersOf(grid, [channels], zeros)),
		bias: Int32Array.from({ length: channels }, (_, c) => Math.round((bias?.[c] ?? 0) / (input.steps[0] * steps[c]))),
	};
}

/** A γ nearer to 0 is held at this: β is written in units of γ times the steps. */
const SMALLEST_SCALE = 1e-3;
/** Leaves room for the products' sum. */
const LARGEST_BIAS = 2 ** 30;

/**
 * Makes weight steps and biases of all opened convolutions from their slices of `affine`, at once, since a node on a short
 * vector costs as much as one on a long one: steps·γ, and bias + round(β / (input step · weight step · γ)).
 */
export function applyAffines(draft: Draft, pending: readonly Pending[]): void {
	if (pending.length === 0) return;
	const all = (of: (one: Pending) => ArrayLike<number>) =>
		Float32Array.from(pending.flatMap((one) => Array.from(of(one))));
	const constant = (value: number) => draft.constant("limit", floats([], [value]));
	const gather = (start: (map: Pending["map"]) => number) => {
		const places = pending.flatMap(({ map }) => Array.from({ length: map.channels }, (_, i) => start(map) + i));
		return draft.add("Gather", ["affine", draft.constant("places", integers(places))]);
	};
	const scale = gather(({ offset }) => offset);
	const bias = gather(({ offset, channels }) => offset + channels);
	const small = draft.add("Less", [draft.add("Abs", [scale]), constant(SMALLEST_SCALE)]);
	const safe = draft.add("Where", [small, constant(SMALLEST_SCALE), scale]);
	const steps = draft.constant("steps", vector(all(({ weights }) => weights.steps)));
	const units = all(({ weights, inputStep }) => weights.steps.map((step) => 1 / (step * inputStep)));
	const shift = draft.add("Mul", [bias, draft.constant("units", vector(units))]);
	const rounded = draft.add("Round", [draft.add("Div", [shift, safe])]);
	const bounded = draft.add("Clip", [rounded, constant(-LARGEST_BIAS), constant(LARGEST_BIAS)]);
	const wholeShift = draft.add("Cast", [bounded], { name: "to", type: 2, i: 6 });
	const own = draft.constant(
		"biases",
		whole(Int32Array.from(pending.flatMap(({ weights }) => Array.from(weights.bias)))),
	);
	const lengths = pending.map(({ map }) => map.channels);
	split(
		draft,
		draft.add("Mul", [safe, steps]),
		lengths,
		pending.map((one) => one.scale),
	);
	split(
		draft,
		draft.add("Add", [wholeShift, own]),
		lengths,
		pending.map((one) => one.bias),
	);
}

function split(draft: Draft, tensor: string, lengths: readonly number[], outputs: readonly string[]): void {
	const inputs = [tensor, draft.constant("lengths", integers(lengths))];
	draft.nodes.push({ op: "Split", domain: "", inputs, outputs, attributes: [{ name: "axis", type: 2, i: 0 }] });
}

const vector = (values: Float32Array) => floats([values.length], values);
const whole = (values: Int32Array) => wholeNumbers([values.length], values);
