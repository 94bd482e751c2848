/** Takes out of a graph what exporters leave behind. */

import { opsetOf, rename } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";

/** Leaves out nodes that hand on what they read. */
export function withoutIdentities(graph: Graph): Graph {
	const handsOn = (node: Node) => (node.op === "Identity" || node.op === "Dropout") && node.outputs.length === 1;
	const sources = new Map(graph.nodes.filter(handsOn).map(({ inputs, outputs }) => [outputs[0], inputs[0]]));
	const sourceOf = (name: string): string => {
		let source = name;
		while (sources.has(source)) source = sources.get(source) as string;
		return source;
	};
	return {
		...graph,
		nodes: graph.nodes.filter((node) => !handsOn(node)).map((node) => ({ ...node, inputs: node.inputs.map(sourceOf) })),
		outputs: graph.outputs.map((output) => ({ ...output, name: sourceOf(output.name) })),
	};
}

/** Probabilities have lost what the logits' size says, so a closing Softmax is left out. */
export function withoutSoftmax(graph: Graph): Graph {
	const logits = graph.outputs[0];
	const last = graph.nodes.find(({ outputs }) => outputs[0] === logits.name);
	const name = last?.op === "Softmax" ? last.inputs[0] : logits.name;
	return { ...graph, outputs: [{ name, type: 0, dims: [] }] };
}

/**
 * Declares a model of opset 13 to 16 as one of 17, where LayerNormalization begins: in between, operators were only
 * extended to more types, or by attributes that keep their old meaning when they are left out.
 */
export const withOpset17 = (graph: Graph): Graph =>
	opsetOf(graph) >= 17
		? graph
		: {
				...graph,
				opsets: [
					...graph.opsets.filter(({ domain }) => domain !== "" && domain !== "ai.onnx"),
					{ domain: "", version: 17 },
				],
			};

/** Gives names that are spoken for to nobody. */
export function withoutNames(graph: Graph, reserved: readonly string[]): Graph {
	const taken = new Set([
		...graph.constants.keys(),
		...graph.inputs.map(({ name }) => name),
		...graph.nodes.flatMap(({ outputs }) => outputs),
	]);
	const other = (name: string): string => (taken.has(name) ? other(`${name}.source`) : name);
	const names = new Map(reserved.map((name) => [name, other(name)]));
	return rename(graph, (name) => names.get(name) ?? name);
}
