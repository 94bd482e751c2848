import { type Draft, edit, int, intOf, ints, intsOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";

const TO_LAST = [0, 2, 3, 1];
const TO_FIRST = [0, 3, 1, 2];

/** What works on each element alone, besides steps and zeros, which are single numbers. */
const ELEMENTWISE = [
	...["QuantizeLinear", "DequantizeLinear", "Relu", "Clip"],
	...["QLinearAdd", "QLinearMul", "QLinearLeakyRelu", "QLinearSigmoid"],
];

/**
 * The same graph with its operators reading [N,C,H,W]. What ONNX Runtime has optimized for a processor keeps the channels
 * last between convolutions and says so in an attribute of its own operators.
 */
export function channelsFirst(graph: Graph): Graph {
	if (!graph.nodes.some(readsChannelsLast)) return graph;
	return edit(graph, (draft) => {
		const layout = new Layout(graph, draft);
		draft.nodes = [];
		for (const node of graph.nodes) layout.take(node);
		layout.finish();
	});
}

const readsChannelsLast = (node: Node) => intOf(node, "channels_last", 0) === 1 || node.op === "NhwcMaxPool";

const turns = (node: Node, order: readonly number[]) =>
	node.op === "Transpose" && intsOf(node, "perm")?.join() === order.join();

/** Goes through the nodes in order and turns tensors only where somebody really reads the other order. */
class Layout {
	/** For a tensor with the channels last, the one with the same elements that has them first. */
	private readonly first = new Map<string, string>();
	/** For a tensor that was turned back, the one it had been. */
	private readonly same = new Map<string, string>();
	private readonly turned = new Map<string, string>();

	constructor(
		private readonly graph: Graph,
		private readonly draft: Draft,
	) {}

	take(node: Node): void {
		const [input] = node.inputs;
		const [output] = node.outputs;
		if (turns(node, TO_LAST) && !this.first.has(input)) {
			this.first.set(output, this.plain(input));
		} else if (turns(node, TO_FIRST) && this.first.has(input)) {
			this.same.set(output, this.first.get(input) as string);
		} else if (readsChannelsLast(node)) {
			const attributes = node.attributes.filter(({ name }) => name !== "channels_last");
			const standard = node.op === "NhwcMaxPool" || node.op === "QLinearConv";
			const op = node.op === "NhwcMaxPool" ? "MaxPool" : node.op;
			this.makeFirst({ ...node, op, domain: standard ? "" : node.domain, attributes });
		} else if (node.op === "QLinearConcat" && this.allLast(node)) {
			const axis = TO_LAST[(intOf(node, "axis", 1) + 4) % 4];
			const attributes = [...node.attributes.filter(({ name }) => name !== "axis"), int("axis", axis)];
			this.makeFirst({ ...node, attributes });
		} else if (ELEMENTWISE.includes(node.op) && this.allLast(node)) {
			this.makeFirst(node);
		} else {
			this.draft.nodes.push({ ...node, inputs: node.inputs.map((name) => this.last(name)) });
		}
	}

	finish(): void {
		for (const { name } of this.graph.outputs) {
			const first = this.first.get(name);
			const same = this.same.get(name);
			if (first !== undefined) this.draft.make(name, "Transpose", [first], ints("perm", ...TO_LAST));
			else if (same !== undefined) this.draft.make(name, "Identity", [same]);
		}
	}

	/** Whether all that flows into the node, that is all but single numbers, has the channels last. */
	private allLast({ inputs }: Node): boolean {
		const isNumber = (name: string) =>
			name === "" || this.graph.constants.get(name)?.dims.every((length) => length === 1) === true;
		const flowing = inputs.filter((name) => !isNumber(name));
		return flowing.length > 0 && flowing.every((name) => this.first.has(name));
	}

	/** Adds the node with the channels first. Only what flows is turned: weights have them first anyway. */
	private makeFirst(node: Node): void {
		const [output] = node.outputs;
		const isOutput = this.graph.outputs.some(({ name }) => name === output);
		const name = isOutput ? this.draft.fresh(`${output}.first`) : output;
		const inputs = node.inputs.map((input, i) => {
			const first = this.first.get(input);
			if (first !== undefined) return first;
			if (i > 0 || this.graph.constants.has(input)) return this.plain(input);
			return this.draft.add("Transpose", [this.plain(input)], ints("perm", ...TO_FIRST));
		});
		this.draft.nodes.push({ ...node, inputs, outputs: [name] });
		this.first.set(output, name);
	}

	private plain(name: string): string {
		return this.same.get(name) ?? name;
	}

	/** The tensor as the original graph has it. */
	private last(name: string): string {
		const first = this.first.get(name);
		if (first === undefined) return this.plain(name);
		const turned = this.turned.get(name) ?? this.draft.add("Transpose", [first], ints("perm", ...TO_LAST));
		this.turned.set(name, turned);
		return turned;
	}
}
