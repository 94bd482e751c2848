/** Takes out of a graph what exporters leave behind. */

import { Mistake } from "../../mistake.js";
import { opsetOf, rename } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import { shown } from "../graph/sentence.js";

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

/**
 * The same graph with one output: the one called `logits`, else the first.
 * @throws {Mistake} when that holds no numbers for each class
 */
export function withLogits(graph: Graph): Graph {
	const logits = graph.outputs.find(({ name }) => name === "logits") ?? graph.outputs[0];
	const { op } = graph.nodes.find(({ outputs }) => outputs.includes(logits.name)) ?? { op: "" };
	const refuse = (what: string): never => {
		throw new Mistake(`its output ${shown(logits.name)} ${what}`);
	};
	if (op === "ArgMax" || op === "TopK") refuse(`names classes (${op}); expected logits, export it without ${op}`);
	if (op === "Sigmoid") {
		refuse("comes from a Sigmoid, which judges each class by itself; expected logits of classes of which one holds");
	}
	if (WHOLE.includes(logits.type)) refuse(`holds whole numbers; expected float32 logits [N,C]`);
	return { ...graph, outputs: [logits] };
}

/** ONNX's numbers for element types that no logits are of, quantized ones neither. */
const WHOLE = [4, 5, 6, 7, 9, 12, 13];

/**
 * Probabilities have lost what the logits' size says, so a closing Softmax is left out, or the logarithm of one; with what
 * rounds its result, where it came quantized.
 */
export function withoutSoftmax(graph: Graph): Graph {
	const producers = new Map(graph.nodes.map((node) => [node.outputs[0], node] as const));
	const [{ name }] = graph.outputs;
	const dequantize = producers.get(name);
	let last = dequantize;
	while (last && ROUNDING.includes(last.op)) last = producers.get(last.inputs[0]);
	if (last?.op === "Softmax" || last?.op === "LogSoftmax") return ending(graph, last.inputs[0]);
	if (last?.op !== "QLinearSoftmax" || dequantize?.op !== "DequantizeLinear") return ending(graph, name);
	// Its bytes become what the logits' bytes stand for.
	const nodes = graph.nodes.map((node) =>
		node === dequantize ? { ...node, inputs: (last as Node).inputs.slice(0, 3) } : node,
	);
	return ending({ ...graph, nodes }, name);
}

const ROUNDING = ["QuantizeLinear", "DequantizeLinear"];

const ending = (graph: Graph, name: string): Graph => ({ ...graph, outputs: [{ name, type: 0, dims: [] }] });

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
