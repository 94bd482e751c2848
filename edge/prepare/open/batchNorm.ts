import { type Draft, edit, floatOf, floats, producersOf, toFloats } from "../graph/graph.js";
import type { Graph, Node, Tensor } from "../graph/onnx.js";

/** What a BatchNorm does with what it reads: scale · (x − mean) / deviation + bias, each [C]. */
export interface BatchNorm {
	readonly scale: Float32Array;
	readonly bias: Float32Array;
	readonly mean: Float32Array;
	/** √(variance + epsilon) */
	readonly deviation: Float32Array;
	readonly epsilon: number;
}

export function batchNormOf(graph: Pick<Graph, "constants">, node: Node): BatchNorm {
	const [scale, bias, mean, variance] = node.inputs
		.slice(1)
		.map((name) => toFloats(graph.constants.get(name) as Tensor));
	const epsilon = floatOf(node, "epsilon", 1e-5);
	return { scale, bias, mean, deviation: variance.map((v) => Math.sqrt(v + epsilon)), epsilon };
}

/** A BatchNorm whose four parameters are constants. */
export const isBatchNorm = (graph: Pick<Graph, "constants">, { op, inputs }: Node): boolean =>
	op === "BatchNormalization" && inputs.slice(1).every((name) => graph.constants.has(name));

/** The convolution that a BatchNorm, as its only reader, can be folded into. */
export function convolutionBefore(
	graph: Pick<Graph, "nodes" | "constants">,
	{ inputs: [input] }: Node,
): Node | undefined {
	const conv = producersOf(graph).get(input);
	const readers = graph.nodes.filter(({ inputs }) => inputs.includes(input));
	const constant = conv?.inputs.slice(1).every((name) => name === "" || graph.constants.has(name));
	return conv?.op === "Conv" && constant && readers.length === 1 ? conv : undefined;
}

/** Lets a convolution do gain · (x − offset) + shift for each of its channels, under the name of what it then makes. */
export function foldInto(
	draft: Draft,
	conv: Node,
	output: string,
	map: { readonly gain: ArrayLike<number>; readonly offset: ArrayLike<number>; readonly shift: ArrayLike<number> },
): void {
	const weight = draft.constants.get(conv.inputs[1]) as Tensor;
	const [channels] = weight.dims;
	const values = toFloats(weight);
	const area = values.length / channels;
	const bias = conv.inputs[2] ? toFloats(draft.constants.get(conv.inputs[2]) as Tensor) : new Float32Array(channels);
	const folded = [
		draft.constant(
			"weight.folded",
			floats(
				weight.dims,
				values.map((value, i) => value * map.gain[Math.floor(i / area)]),
			),
		),
		draft.constant(
			"bias.folded",
			floats(
				[channels],
				Array.from(bias, (value, c) => (value - map.offset[c]) * map.gain[c] + map.shift[c]),
			),
		),
	];
	draft.replace(conv.outputs[0], (node) => ({ ...node, inputs: [node.inputs[0], ...folded], outputs: [output] }));
}

/** Folds the BatchNorms that stand right behind a convolution into it: all, or those that `wanted` names by their output. */
export function withFoldedNorms(graph: Graph, wanted: (output: string) => boolean = () => true): Graph {
	return edit(graph, (draft) => {
		for (const node of graph.nodes) {
			const [output] = node.outputs;
			if (!isBatchNorm(graph, node) || !wanted(output)) continue;
			const conv = convolutionBefore(graph, node);
			if (conv === undefined) continue;
			const { scale, bias, mean, deviation } = batchNormOf(graph, node);
			draft.remove(output);
			foldInto(draft, conv, output, { gain: scale.map((s, c) => s / deviation[c]), offset: mean, shift: bias });
		}
	});
}
