import { Mistake } from "../../mistake.js";
import { edit, producersOf } from "../graph/graph.js";
import { ElementType, type Graph, type Node } from "../graph/onnx.js";
import { evaluate, toConstant } from "../graph/session.js";
import { allFinite } from "../graph/tensors.js";

/**
 * Computes once and for all what does not depend on the input, so that weights stand in the graph as plain constants.
 * What was quantized stays so: integers, steps and zero points are told apart by the nodes that read them.
 * @throws {Mistake} when something cannot be computed, or not to a finite number
 */
export async function foldConstants(graph: Graph): Promise<Graph> {
	const foldable = constantNodes(graph);
	if (foldable.size === 0) return graph;
	const nodes = [...foldable];
	const made = new Set(nodes.flatMap(({ outputs }) => outputs));
	const rest = graph.nodes.filter((node) => !foldable.has(node));
	const wanted = new Set([...rest.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
	const outputs = [...made].filter((name) => wanted.has(name)).map((name) => ({ name, type: 0, dims: [] }));
	const values = await evaluate({ ...graph, nodes, inputs: [], outputs }, {}).catch((cause) => {
		throw new Mistake("cannot be computed, not even what does not depend on the image; is it a valid model?", {
			cause,
		});
	});
	return edit(graph, (draft) => {
		draft.nodes = rest;
		for (const [name, value] of Object.entries(values)) {
			if (!(value.type in ElementType))
				throw new Mistake(`computes ${name} in ${value.type}; expected a float32 model`);
			const constant = toConstant(value);
			if (!allFinite(constant)) throw new Mistake(`computes ${name} from constants, and not to finite numbers`);
			draft.constants.set(name, constant);
		}
	});
}

const QUANTIZING = /QuantizeLinear$|DequantizeLinear$|^QLinear|^QGemm$/;

function constantNodes(graph: Graph): Set<Node> {
	const producers = producersOf(graph);
	const foldable = new Set<Node>();
	// Nodes stand in executable order, so the answer for what a node reads is there already.
	for (const node of graph.nodes) {
		const constant = (input: string) =>
			input === "" || graph.constants.has(input) || foldable.has(producers.get(input) as Node);
		if (!node.op.startsWith("Random") && !QUANTIZING.test(node.op) && node.inputs.every(constant)) foldable.add(node);
	}
	return foldable;
}
