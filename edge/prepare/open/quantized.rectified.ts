/** Whoever quantizes a model leaves out a ReLU where no byte stands for less than zero: here it is found missing. */

import { type Draft, floats, toFloats } from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import { ElementType, type Node } from "../graph/onnx.js";
import { isNeverNegative, mayBeRectified } from "./quantized.operators.js";

/** Adds nodes to a draft and keeps in mind which tensors are never negative. */
export class Signs {
	private readonly makers = new Map<string, Node>();
	private readonly known = new Set<string>();
	/** What is never below −1. */
	private readonly bounded = new Set<string>();
	private readonly rectified = new Map<string, string>();

	constructor(private readonly draft: Draft) {}

	add(node: Node): void {
		this.draft.nodes.push(node);
		const neverNegative = this.isNeverNegative(node);
		for (const output of node.outputs) {
			this.makers.set(output, node);
			if (neverNegative) this.known.add(output);
			if (node.op === "Erf" || node.op === "Tanh") this.bounded.add(output);
		}
	}

	/** Takes note of a tensor's bytes. */
	note(tensor: string, grid: Grid): void {
		if (reachesToZero(grid)) this.known.add(tensor);
	}

	/** Whether these bytes of what the node makes do the work of a ReLU. */
	hidesRelu(maker: Node | undefined, grid: Grid): boolean {
		if (maker === undefined || !reachesToZero(grid) || !mayBeRectified(maker)) return false;
		return !this.isNeverNegative(maker);
	}

	/** The tensor as its bytes have it: behind the ReLU they hide, which gets this name, or as it is. */
	behindRelu(tensor: string, grid: Grid, name: string): string {
		if (!this.hidesRelu(this.makers.get(tensor), grid)) return tensor;
		const before = this.rectified.get(tensor);
		if (before !== undefined) return before;
		this.rectified.set(tensor, name);
		const limits = () => [0, 6].map((limit) => this.draft.constant("limit", floats([], [limit])));
		const make = (op: string, inputs: readonly string[]) =>
			this.add({ op, domain: "", inputs, outputs: [name], attributes: [] });
		// Where the bytes end at 6 it was a ReLU6; if not, they cut there all the same.
		const top = (grid.highest - grid.lowest) * grid.steps[0];
		if (Math.abs(top - 6) > grid.steps[0]) make("Relu", [tensor]);
		else make("Clip", [tensor, ...limits()]);
		return name;
	}

	private isNeverNegative(node: Node): boolean {
		const [one, other] = node.inputs;
		if (node.op === "Pow" && this.constantOf(other)?.every((value) => value % 2 === 0)) return true;
		// What stands so in a GELU.
		const isLifted = (name: string, by: string) => this.bounded.has(name) && this.constantOf(by)?.every((v) => v >= 1);
		if (node.op === "Add" && (isLifted(one, other) || isLifted(other, one))) return true;
		return isNeverNegative(node, (name) => this.constantOf(name)?.every((v) => v >= 0) ?? this.known.has(name));
	}

	private constantOf(name: string): Float32Array | undefined {
		const constant = this.draft.constants.get(name);
		return constant?.type === ElementType.float32 ? toFloats(constant) : undefined;
	}
}

const reachesToZero = ({ zeros, lowest }: Grid) => zeros.every((zero) => zero === lowest);
