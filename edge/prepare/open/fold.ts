import { edit, producersOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import { evaluate, toConstant } from "../graph/session.js";

/** Computes once and for all what does not depend on the input, so that weights stand in the graph as plain constants. */
export async function foldConstants(graph: Graph): Promise<Graph> {
	const foldable = constantNodes(graph);
	if (foldable.length === 0) return graph;
	const made = new Set(foldable.flatMap(({ outputs }) => outputs));
	const rest = graph.nodes.filter((node) => !foldable.includes(node));
	const wanted = new Set([...rest.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
	const values = await evaluate(
		{
			...graph,
			nodes: foldable,
			inputs: [],
			outputs: [...made].filter((name) => wanted.has(name)).map((name) => ({ name, type: 0, dims: [] })),
		},
		{},
	);
	return edit(graph, (draft) => {
		draft.nodes = rest;
		for (const [name, value] of Object.entries(values)) draft.constants.set(name, toConstant(value));
	});
}

function constantNodes(graph: Graph): Node[] {
	const producers = producersOf(graph);
	const known = new Map<Node, boolean>();
	// Nodes stand in executable order, so the answer for what a node reads is there already.
	for (const node of graph.nodes) {
		const constant = (input: string) =>
			input === "" || graph.constants.has(input) || known.get(producers.get(input) as Node) === true;
		known.set(node, !node.op.startsWith("Random") && node.inputs.every(constant));
	}
	return graph.nodes.filter((node) => known.get(node));
}
