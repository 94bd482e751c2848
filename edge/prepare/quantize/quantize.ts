import type { Exposed } from "../expose/expose.js";
import type { Parts } from "../expose/parts.js";
import { arranged, type Draft, edit, int, producersOf, toFloats } from "../graph/graph.js";
import type { Grid, Grids } from "../graph/grid.js";
import type { Graph, Node, Tensor } from "../graph/onnx.js";
import { type Bytes, integersOf, isWithin, rounded, roundedConstant, stepAndZero } from "./bytes.js";
import { applyAffines, convolve, convolveThinned, type Pending } from "./convolution.js";
import { type Bits, weightGrid, withRoomFor } from "./grids.js";
import { type Convolution, isPatching, PASSING, type Plan } from "./plan.js";
import { matrixOf, multiply, patchify, plainBytes, withBias } from "./product.js";

/** Bytes that stand for a tensor; undefined where it stays in float. */
type BytesOf = (tensor: string) => Bytes | undefined;

/**
 * Makes what the plan names integer: weights symmetric with a step for each output channel, activations asymmetric with one
 * step for the tensor. A model that came quantized keeps its own integers.
 * @param grids those of the activations that the plan names, and all that the model came with
 */
export function quantize(exposed: Exposed, parts: Parts, plan: Plan, grids: Grids, bits: Bits): Graph {
	const { graph, image } = exposed;
	const quantized = edit(graph, (draft) => {
		const known = new Map<string, Bytes>();
		if (image.levels) known.set(image.tensor, plainBytes(draft, "pixels", middle(image.levels)));
		const bytesOf = bytesIn(draft, graph, plan, grids, known);
		const pending: Pending[] = [];
		for (const convolution of plan.convolutions) {
			const { node } = convolution;
			const isFirst = node.outputs[0] === parts.stem.output || convolution.map?.output === parts.stem.output;
			const isPlain = image.levels?.every((level) => level === 0) && isCutWhole(graph, node, parts.stem);
			if (isFirst && isPlain && isPatching(node)) {
				patchify(
					draft,
					node,
					graph.constants.get(node.inputs[1]) as Tensor,
					bytesOf(image.tensor) as Bytes,
					parts.stem,
					bits,
				);
				continue;
			}
			const affine = convolved(draft, exposed, convolution, grids, bits, bytesOf, known);
			if (affine) pending.push(affine);
		}
		applyAffines(draft, pending);
		gatherBytes(draft, exposed, known);
		sliceBytes(draft, graph, known);
		for (const tensor of plan.rounded) bytesOf(tensor);
		for (const node of plan.products) {
			const { output, bias } = withBias(graph, node);
			const input = bytesOf(node.inputs[0]);
			if (input === undefined) continue;
			draft.remove(node.outputs[0]);
			draft.remove(output);
			multiply(draft, output, input, matrixOf(graph, node), bits, bias);
		}
		keepIntegers(draft, grids);
	});
	return { ...arranged(quantized), opsets: [...graph.opsets, { domain: "com.microsoft", version: 1 }] };
}

/** Gives tensors' bytes: those that are known, else those of what was only moved about, else rounded from float. */
function bytesIn(draft: Draft, graph: Graph, plan: Plan, grids: Grids, known: Map<string, Bytes>): BytesOf {
	const producers = producersOf(graph);
	const isRounded = new Set(plan.rounded);
	const roundedTo = (tensor: string): Bytes | undefined => {
		const grid = grids.get(tensor);
		if (!grid || !isRounded.has(tensor)) return grid && rounded(draft, tensor, grid);
		const bytes = rounded(draft, draft.intercept(tensor), grid);
		draft.make(tensor, "DequantizeLinear", [bytes.tensor, bytes.step, bytes.zero]);
		return bytes;
	};
	const bytesOf: BytesOf = (tensor) => {
		const bytes = known.get(tensor) ?? passedOn(tensor) ?? roundedTo(tensor);
		if (bytes) known.set(tensor, bytes);
		return bytes;
	};
	const passedOn = (tensor: string): Bytes | undefined => {
		const node = producers.get(tensor);
		if (!node || !PASSING.includes(node.op) || grids.has(tensor)) return undefined;
		const bytes = bytesOf(node.inputs[0]);
		if (bytes === undefined) return undefined;
		const moved = draft.add(node.op, [bytes.tensor, ...node.inputs.slice(1)], ...node.attributes);
		// Who reads floats reads them from here too, or the work would be done twice.
		draft.remove(tensor);
		draft.make(tensor, "DequantizeLinear", [moved, bytes.step, bytes.zero]);
		return { ...bytes, tensor: moved };
	};
	return bytesOf;
}

/** Puts QLinearConv in the place of a convolution, if all that it needs is known; returns the affine that it waits for. */
function convolved(
	draft: Draft,
	{ graph, image }: Exposed,
	convolution: Convolution,
	grids: Grids,
	bits: Bits,
	bytesOf: BytesOf,
	known: Map<string, Bytes>,
): Pending | undefined {
	const { node, map, result, bounds } = convolution;
	const [input, weight, bias] = node.inputs;
	const bytes = bytesOf(input);
	const grid = grids.get(result);
	if (!bytes || !grid || !isWithin(grid, bounds)) return undefined;
	const tensor = graph.constants.get(weight) as Tensor;
	const values = toFloats(tensor);
	const floats = bias ? toFloats(graph.constants.get(bias) as Tensor) : undefined;
	const shifted =
		input === image.tensor && image.levels ? withLevels(floats, values, tensor.dims, image.levels) : floats;
	const made = convolve(
		draft,
		convolution,
		bytes,
		grids.get(weight) ?? withRoomFor(shifted, bytes.grid.steps[0], weightGrid(values, tensor.dims, 0, bits)),
		grid,
		shifted,
	);
	known.set(result, made.bytes);
	draft.remove(node.outputs[0]);
	draft.remove(result);
	draft.make(result, "DequantizeLinear", [made.bytes.tensor, made.bytes.step, made.bytes.zero]);
	if (!map) return undefined;
	draft.remove(map.thinned);
	const seen = convolveThinned(draft, node, bytes, made.constants, map.step, grids.get(map.thinned) as Grid);
	draft.make(map.thinned, "DequantizeLinear", [seen.tensor, seen.step, seen.zero]);
	known.set(map.thinned, seen);
	return made.pending;
}

/** Cuts bytes rather than the floats that would have to be made of all of them first. */
function sliceBytes(draft: Draft, graph: Graph, known: ReadonlyMap<string, Bytes>): void {
	for (const { op, inputs, outputs } of graph.nodes) {
		const bytes = op === "Slice" && !known.has(outputs[0]) ? known.get(inputs[0]) : undefined;
		if (bytes === undefined) continue;
		const slice = draft.add("Slice", [bytes.tensor, ...inputs.slice(1)]);
		draft.remove(outputs[0]);
		draft.make(outputs[0], "DequantizeLinear", [slice, bytes.step, bytes.zero]);
	}
}

/** Puts maps together as bytes and makes floats of them at once, each channel by the grid of its map. */
function gatherBytes(draft: Draft, { gathered, maps }: Exposed, known: ReadonlyMap<string, Bytes>): void {
	for (const { tensors, together, axis } of gathered) {
		const parts = tensors.map((tensor) => known.get(tensor)).filter((bytes) => bytes !== undefined);
		if (parts.length < tensors.length) continue;
		const widths = tensors.map((tensor) => maps.find(({ thinned }) => thinned === tensor)?.channels ?? 0);
		const all = (of: (grid: Grid) => number) => parts.flatMap(({ grid }, i) => new Array(widths[i]).fill(of(grid)));
		const grid: Grid = {
			...parts[0].grid,
			steps: Float32Array.from(all(({ steps }) => steps[0])),
			zeros: Int32Array.from(all(({ zeros }) => zeros[0])),
			axis,
		};
		const { step, zero } = stepAndZero(draft, grid);
		const bytes = draft.add(
			"Concat",
			parts.map(({ tensor }) => tensor),
			int("axis", axis),
		);
		draft.remove(together);
		draft.make(together, "DequantizeLinear", [bytes, step, zero], int("axis", axis));
	}
}

/** Whether a convolution's patches cover the image to its edges. */
function isCutWhole({ inputs: [pixels] }: Graph, { attributes }: Node, { height, width }: Parts["stem"]): boolean {
	const [rows, columns] = attributes.find(({ name }) => name === "kernel_shape")?.ints?.map(Number) ?? [];
	return pixels.dims[2] === height * rows && pixels.dims[3] === width * columns;
}

/** The byte that padding is best made of: what stands for 0 in the float image. */
const middle = (levels: readonly number[]) =>
	Math.max(0, Math.min(255, Math.round(levels.reduce((sum, level) => sum + level, 0) / levels.length)));

/** The bias of a convolution that reads pixel − middle where the float one reads pixel − level. */
function withLevels(
	bias: Float32Array | undefined,
	weight: Float32Array,
	[channels]: readonly number[],
	levels: readonly number[],
) {
	const area = weight.length / channels / levels.length;
	const zero = middle(levels);
	const shifted = bias?.slice() ?? new Float32Array(channels);
	for (const [i, value] of weight.entries()) {
		const plane = Math.floor(i / area) % levels.length;
		shifted[Math.floor(i / area / levels.length)] += value * (zero - levels[plane]);
	}
	return shifted;
}

/** Constants that came as integers go as integers, for what is not a convolution to read. */
function keepIntegers(draft: Draft, grids: Grids): void {
	for (const [name, grid] of grids) {
		const tensor = draft.constants.get(name);
		if (tensor === undefined) continue;
		const whole = integersOf(grid, tensor.dims, roundedConstant(toFloats(tensor), tensor.dims, grid));
		const { step, zero } = stepAndZero(draft, grid);
		draft.constants.delete(name);
		const inputs = [draft.constant(`${name}.integers`, whole), step, zero];
		draft.make(name, "DequantizeLinear", inputs, ...(grid.steps.length > 1 ? [int("axis", grid.axis)] : []));
	}
}
