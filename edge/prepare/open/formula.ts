import { consumersOf, intOf, producersOf, toFloats, toIntegers } from "../graph/graph.js";
import { ElementType, type Graph, type Node } from "../graph/onnx.js";

/** In a float32 model a cast to float32 changes nothing. */
export const isCast = (node: Node) => node.op === "Cast" && intOf(node, "to", 0) === ElementType.float32;

/** Questions to a graph by one who reads a formula out of it, from its result back. */
export class Formula {
	protected readonly consumers: Map<string, Node[]>;
	private readonly producers: Map<string, Node>;
	private readonly outputs: Set<string>;

	constructor(protected readonly graph: Graph) {
		this.producers = producersOf(graph);
		this.consumers = consumersOf(graph);
		this.outputs = new Set(graph.outputs.map(({ name }) => name));
	}

	/** The node of this kind that makes a tensor, seen through casts. */
	made(name: string, op: string, nodes: Set<Node>): Node | undefined {
		const passed: Node[] = [];
		let node = this.producers.get(name);
		while (node !== undefined && isCast(node)) {
			passed.push(node);
			node = this.producers.get(node.inputs[0]);
		}
		if (node?.op !== op || node.domain !== "") return undefined;
		for (const one of [...passed, node]) nodes.add(one);
		return node;
	}

	/** The tensor in front of casts, to compare with: whatever their type, they are of the same numbers. */
	bare(name: string): string {
		const node = this.producers.get(name);
		return node !== undefined && isCast(node) ? this.bare(node.inputs[0]) : name;
	}

	/** A constant that is a single number. */
	number(name: string): number | undefined {
		const constant = this.graph.constants.get(name);
		if (constant === undefined || constant.dims.some((length) => length !== 1)) return undefined;
		if (constant.type === ElementType.float32) return toFloats(constant)[0];
		return constant.type === ElementType.int64 ? toIntegers(constant)[0] : undefined;
	}

	onlyReader(name: string): Node | undefined {
		const readers = this.consumers.get(name) ?? [];
		return readers.length === 1 && !this.outputs.has(name) ? readers[0] : undefined;
	}

	/** Whether anything but the result is read from outside. */
	leaks(nodes: ReadonlySet<Node>, output: string): boolean {
		const inner = [...nodes].flatMap(({ outputs }) => outputs).filter((name) => name !== output);
		return inner.some(
			(name) => this.outputs.has(name) || (this.consumers.get(name) ?? []).some((node) => !nodes.has(node)),
		);
	}
}
