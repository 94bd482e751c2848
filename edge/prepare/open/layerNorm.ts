import { edit, float, floats, int, intOf, intsOf, toIntegers } from "../graph/graph.js";
import { ElementType, type Graph, type Node, type Tensor } from "../graph/onnx.js";
import { Formula, isCast } from "./formula.js";

/**
 * The same graph with each LayerNorm that an older exporter wrote out in single steps, mean, difference, variance and
 * quotient, as one LayerNormalization over the last axis. What is not quite one stays as it is. Expects opset 17 or later.
 */
export function withLayerNorms(graph: Graph): Graph {
	const found = new Reader(graph).norms();
	if (found.length === 0) return graph;
	return edit(graph, (draft) => {
		for (const { output, input, epsilon, channels, scale, bias, nodes } of found) {
			draft.nodes = draft.nodes.filter((node) => !nodes.has(node));
			const ones = () => floats([channels], Array(channels).fill(1));
			const inputs = [input, draft.constant("norm.scale", scale ?? ones())];
			if (bias !== undefined) inputs.push(draft.constant("norm.bias", bias));
			draft.make(output, "LayerNormalization", inputs, int("axis", -1), float("epsilon", epsilon));
		}
	});
}

interface Found {
	readonly input: string;
	readonly output: string;
	readonly epsilon: number;
	readonly channels: number;
	readonly scale: Tensor | undefined;
	readonly bias: Tensor | undefined;
	/** All that it is written out in. */
	readonly nodes: ReadonlySet<Node>;
}

/** What has been recognised on the way back from a quotient. */
interface Trail {
	readonly nodes: Set<Node>;
	/** As the means have them. */
	readonly axes: Set<number>;
}

/** Reads formulae out of a graph, from the result back. Each step answers undefined where the formula is another. */
class Reader extends Formula {
	norms(): Found[] {
		return this.graph.nodes.flatMap((node) => this.norm(node) ?? []);
	}

	/** (x − mean) / √(variance + ε), and the affine behind it. */
	private norm(quotient: Node): Found | undefined {
		for (const [above, below] of factors(quotient)) {
			const trail: Trail = { nodes: new Set([quotient]), axes: new Set() };
			const centred = this.centred(above, trail);
			const spread = quotient.op === "Div" ? this.root(below, trail) : this.inverseRoot(below, trail);
			const variance = spread && this.variance(spread.of, trail);
			if (!centred || !spread || !variance || this.bare(variance.input) !== this.bare(centred.input)) continue;
			const { scale, bias, output } = this.affine(quotient.outputs[0], trail);
			const channels = (scale ?? bias)?.dims.at(-1) ?? this.rowsBehind(output);
			const axis = trail.axes.size === 1 ? [...trail.axes][0] : undefined;
			if (channels === undefined || !isLast(axis, scale ?? bias) || this.leaks(trail.nodes, output)) return undefined;
			const flat = (tensor: Tensor | undefined) => tensor && { ...tensor, dims: [channels] };
			const { epsilon } = spread;
			return { ...centred, output, epsilon, channels, scale: flat(scale), bias: flat(bias), nodes: trail.nodes };
		}
		return undefined;
	}

	/** x − mean. */
	private centred(name: string, trail: Trail): { input: string } | undefined {
		const node = this.made(name, "Sub", trail.nodes);
		if (node === undefined) return undefined;
		const [input, subtracted] = node.inputs;
		const of = this.mean(subtracted, trail);
		return of !== undefined && this.bare(of) === this.bare(input) ? { input } : undefined;
	}

	/** The mean of (x − mean)². */
	private variance(name: string, trail: Trail): { input: string } | undefined {
		const squares = this.mean(name, trail);
		if (squares === undefined) return undefined;
		const power = this.made(squares, "Pow", trail.nodes);
		if (power) return this.number(power.inputs[1]) === 2 ? this.centred(power.inputs[0], trail) : undefined;
		const product = this.made(squares, "Mul", trail.nodes);
		if (product === undefined) return undefined;
		const [one, other] = product.inputs.map((input) => this.centred(input, trail));
		return one && other && this.bare(one.input) === this.bare(other.input) ? one : undefined;
	}

	/** √(of + ε). */
	private root(name: string, trail: Trail): { of: string; epsilon: number } | undefined {
		const root = this.made(name, "Sqrt", trail.nodes);
		if (root) return this.plusEpsilon(root.inputs[0], trail);
		const power = this.made(name, "Pow", trail.nodes);
		return power && this.number(power.inputs[1]) === 0.5 ? this.plusEpsilon(power.inputs[0], trail) : undefined;
	}

	/** 1 / √(of + ε). */
	private inverseRoot(name: string, trail: Trail): { of: string; epsilon: number } | undefined {
		const reciprocal = this.made(name, "Reciprocal", trail.nodes);
		if (reciprocal) return this.root(reciprocal.inputs[0], trail);
		const quotient = this.made(name, "Div", trail.nodes);
		if (quotient) return this.number(quotient.inputs[0]) === 1 ? this.root(quotient.inputs[1], trail) : undefined;
		const power = this.made(name, "Pow", trail.nodes);
		return power && this.number(power.inputs[1]) === -0.5 ? this.plusEpsilon(power.inputs[0], trail) : undefined;
	}

	private plusEpsilon(name: string, trail: Trail): { of: string; epsilon: number } | undefined {
		const node = this.made(name, "Add", trail.nodes);
		for (const [of, constant] of node ? [node.inputs, [...node.inputs].reverse()] : []) {
			const epsilon = this.number(constant);
			if (epsilon !== undefined) return { of, epsilon };
		}
		return undefined;
	}

	/** What a mean over one axis, which is kept with length 1, is taken of. */
	private mean(name: string, trail: Trail): string | undefined {
		const node = this.made(name, "ReduceMean", trail.nodes);
		if (node === undefined || intOf(node, "keepdims", 1) !== 1) return undefined;
		const constant = this.graph.constants.get(node.inputs[1] ?? "");
		const axes = constant?.type === ElementType.int64 ? toIntegers(constant) : intsOf(node, "axes");
		if (axes?.length !== 1) return undefined;
		trail.axes.add(axes[0]);
		return node.inputs[0];
	}

	/** The scale and the bias that follow a tensor, each where nothing else reads what it is applied to. */
	private affine(name: string, trail: Trail) {
		const scaled = this.followed(name, "Mul", trail);
		const shifted = this.followed(scaled.output, "Add", trail);
		return { scale: scaled.constant, bias: shifted.constant, output: shifted.output };
	}

	/** What a node of this kind makes of a tensor and one constant for each channel, or the tensor where there is none. */
	private followed(name: string, op: string, { nodes }: Trail): { output: string; constant?: Tensor } {
		const passed: Node[] = [];
		let reader = this.onlyReader(name);
		while (reader !== undefined && isCast(reader)) {
			passed.push(reader);
			reader = this.onlyReader(reader.outputs[0]);
		}
		const constant = reader?.inputs.map((input) => this.graph.constants.get(input)).find(isRow);
		if (reader?.op !== op || constant === undefined) return { output: name };
		for (const node of [...passed, reader]) nodes.add(node);
		return { output: reader.outputs[0], constant };
	}

	/** How long the rows are that a matrix product behind this tensor reads. */
	private rowsBehind(name: string): number | undefined {
		const product = (this.consumers.get(name) ?? []).find((node) => node.op === "MatMul" && node.inputs[0] === name);
		return this.graph.constants.get(product?.inputs[1] ?? "")?.dims.at(-2);
	}
}

/** The ways to read a node as one thing divided by another: a product has two. */
function factors({ op, inputs: [a, b] }: Node): [string, string][] {
	if (op === "Div") return [[a, b]];
	if (op !== "Mul") return [];
	return [
		[a, b],
		[b, a],
	];
}

/** Whether a constant has one number for each channel, and channels are the last axis. */
const isRow = (tensor: Tensor | undefined): boolean =>
	tensor?.type === ElementType.float32 &&
	(tensor.dims.at(-1) ?? 1) > 1 &&
	tensor.dims.slice(0, -1).every((length) => length === 1);

/** Counted from the front, an axis is known to be the last where a scale or bias has all axes. */
const isLast = (axis: number | undefined, row: Tensor | undefined) =>
	axis === -1 || (row !== undefined && row.dims.length > 1 && axis === row.dims.length - 1);
