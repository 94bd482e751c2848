/** For tests: small convolutional networks with seeded weights. */

import { CLASSES } from "./fixtures.transformer.js";
import { seeded, spread, type Weights, weightsOf } from "./fixtures.weights.js";
import {
	consumersOf,
	type Draft,
	edit,
	float,
	floatOf,
	floats,
	int,
	ints,
	producersOf,
	toFloats,
} from "./graph/graph.js";
import { type Attribute, ElementType, type Graph, type Node, type Tensor } from "./graph/onnx.js";
import { evaluate } from "./graph/session.js";

export interface ResNetOptions {
	/** BatchNorms as they are trained, or folded into the convolutions before them; what has none before it stays. */
	readonly norms?: "live" | "folded";
	/** `basic`: two convolutions; `inverted`: wide, with a depthwise one, and no ReLU behind the sum; `before`: norms first. */
	readonly block?: "basic" | "inverted" | "before";
	readonly activation?: "relu" | "clip" | "hardswish";
	/** A MaxPool behind the stem. */
	readonly pool?: boolean;
	/** Squeeze and excitation in each block. */
	readonly squeeze?: boolean;
	/** Where convolutions are told to pad: by numbers, or by `auto_pad`. */
	readonly padding?: "numbers" | "auto";
	/** Whether convolutions have a bias besides the norm's. */
	readonly bias?: boolean;
	readonly pooling?: "global" | "reduce";
	/** The classifier as Flatten and Gemm, or as a convolution of one pixel before Flatten. */
	readonly head?: "gemm" | "conv";
	readonly opset?: number;
	/** How many times the maps are of another size, at most 4. */
	readonly stages?: number;
}

/** The networks' input is MAP × MAP. */
export const MAP = 32;
const WIDTHS = [8, 16, 16, 16];
const EPSILON = 1e-3;

/** A residual network with two blocks in each stage, 32 × 32 pixels, 3 classes, weights from a seed. */
export function tinyResNet(options: ResNetOptions = {}): Graph {
	const { block = "basic", pooling = "global", head = "gemm", opset = 17, stages = 2 } = options;
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: opset }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "image", type: ElementType.float32, dims: ["N", 3, MAP, MAP] }],
		outputs: [],
	};
	const graph = edit(empty, (draft) => {
		const net = new Builder(draft, options);
		let [width] = WIDTHS;
		let map = net.conv("image", 3, width, { stride: 2 });
		if (block !== "before") map = net.activated(net.norm(map, width));
		if (options.pool) map = draft.add("MaxPool", [map], ints("kernel_shape", 3, 3), ...net.placed(3, 2));
		for (const [stage, to] of WIDTHS.slice(0, stages).entries()) {
			for (const stride of [stage === 0 ? 1 : 2, 1]) {
				map = net[block](map, width, to, stride);
				width = to;
			}
		}
		if (block === "before") map = net.activated(net.norm(map, width));
		const pooled =
			pooling === "global" ? draft.add("GlobalAveragePool", [map]) : draft.reduce("ReduceMean", map, [2, 3]);
		const flat = (tensor: string) => draft.add("Flatten", [tensor], int("axis", 1));
		const constants = [
			net.weight("head.weight", head === "gemm" ? [CLASSES, width] : [CLASSES, width, 1, 1], 1),
			net.weight("head.bias", [CLASSES], 0.1),
		];
		const logits =
			head === "gemm"
				? draft.add("Gemm", [flat(pooled), ...constants], int("transB", 1))
				: flat(draft.add("Conv", [pooled, ...constants], ints("kernel_shape", 1, 1)));
		draft.output("logits", logits, ElementType.float32, ["N", CLASSES]);
	});
	return options.norms === "folded" ? foldedByHand(graph) : graph;
}

interface Convolution {
	readonly kernel?: number;
	readonly stride?: number;
	readonly group?: number;
}

/** Adds the pieces that the networks are made of. */
class Builder {
	readonly weight: Weights;
	private readonly random = seeded(5);

	constructor(
		private readonly draft: Draft,
		private readonly options: ResNetOptions,
	) {
		this.weight = weightsOf(draft, this.random);
	}

	conv(input: string, from: number, to: number, { kernel = 3, stride = 1, group = 1 }: Convolution = {}): string {
		const dims = [to, from / group, kernel, kernel];
		const weight = this.weight("conv.weight", dims, 2 / Math.sqrt((from / group) * kernel * kernel));
		const bias = this.options.bias ? [this.weight("conv.bias", [to], 0.3)] : [];
		const attributes = [ints("kernel_shape", kernel, kernel), int("group", group), ...this.placed(kernel, stride)];
		return this.draft.add("Conv", [input, weight, ...bias], ...attributes);
	}

	/** Stride and padding of a kernel. */
	placed(kernel: number, stride: number): Attribute[] {
		const pad = (kernel - 1) / 2;
		const padding: Attribute =
			this.options.padding === "auto"
				? { name: "auto_pad", type: 3, s: Buffer.from("SAME_UPPER") }
				: ints("pads", pad, pad, pad, pad);
		return [ints("strides", stride, stride), padding];
	}

	norm(input: string, channels: number): string {
		const row = (size: number, centre: number) => floats([channels], spread(this.random, [channels], size, centre));
		const constants = [
			this.draft.constant("norm.scale", row(0.3, 1)),
			this.draft.constant("norm.bias", row(0.3, 0)),
			this.draft.constant("norm.mean", row(0.3, 0)),
			this.draft.constant("norm.variance", row(0.5, 1)),
		];
		return this.draft.add("BatchNormalization", [input, ...constants], float("epsilon", EPSILON));
	}

	activated(input: string): string {
		const { activation = "relu" } = this.options;
		const limit = (value: number) => this.draft.constant("limit", floats([], [value]));
		if (activation === "clip") return this.draft.add("Clip", [input, limit(0), limit(6)]);
		return this.draft.add(activation === "relu" ? "Relu" : "HardSwish", [input]);
	}

	basic(input: string, from: number, to: number, stride: number): string {
		const hidden = this.activated(this.norm(this.conv(input, from, to, { stride }), to));
		const made = this.squeezed(this.norm(this.conv(hidden, to, to), to), to);
		const short =
			from === to && stride === 1 ? input : this.norm(this.conv(input, from, to, { kernel: 1, stride }), to);
		return this.activated(this.draft.add("Add", [made, short]));
	}

	inverted(input: string, from: number, to: number, stride: number): string {
		const wide = 2 * from;
		const expanded = this.activated(this.norm(this.conv(input, from, wide, { kernel: 1 }), wide));
		const deep = this.activated(this.norm(this.conv(expanded, wide, wide, { stride, group: wide }), wide));
		const made = this.norm(this.conv(this.squeezed(deep, wide), wide, to, { kernel: 1 }), to);
		return from === to && stride === 1 ? this.draft.add("Add", [input, made]) : made;
	}

	before(input: string, from: number, to: number, stride: number): string {
		const first = this.activated(this.norm(input, from));
		const hidden = this.activated(this.norm(this.conv(first, from, to, { stride }), to));
		const made = this.squeezed(this.conv(hidden, to, to), to);
		const short = from === to && stride === 1 ? input : this.conv(first, from, to, { kernel: 1, stride });
		return this.draft.add("Add", [made, short]);
	}

	private squeezed(input: string, channels: number): string {
		if (!this.options.squeeze) return input;
		const { draft } = this;
		const conv = (tensor: string, from: number, to: number) =>
			draft.add(
				"Conv",
				[tensor, this.weight("squeeze.weight", [to, from, 1, 1], 1), this.weight("squeeze.bias", [to], 0.3)],
				ints("kernel_shape", 1, 1),
			);
		const hidden = draft.add("Relu", [conv(draft.add("GlobalAveragePool", [input]), channels, 4)]);
		return draft.add("Mul", [input, draft.add("HardSigmoid", [conv(hidden, 4, channels)])]);
	}
}

/** Scale, bias, mean and deviation of a BatchNorm. */
export function momentsOfNorm({ constants }: Pick<Graph, "constants">, node: Node) {
	const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => toFloats(constants.get(name) as Tensor));
	const epsilon = floatOf(node, "epsilon", 1e-5);
	return { scale, bias, mean, deviation: Array.from(variance, (v) => Math.sqrt(v + epsilon)) };
}

/** Each BatchNorm behind a convolution in that convolution's constants, in float64 and independent of what is tested. */
function foldedByHand(graph: Graph): Graph {
	const producers = producersOf(graph);
	const consumers = consumersOf(graph);
	return edit(graph, (draft) => {
		for (const norm of graph.nodes.filter(({ op }) => op === "BatchNormalization")) {
			const conv = producers.get(norm.inputs[0]);
			if (conv?.op !== "Conv" || consumers.get(norm.inputs[0])?.length !== 1) continue;
			const { scale, bias, mean, deviation } = momentsOfNorm(graph, norm);
			const weight = graph.constants.get(conv.inputs[1]) as Tensor;
			const own = conv.inputs[2] ? toFloats(graph.constants.get(conv.inputs[2]) as Tensor) : undefined;
			const area = weight.dims.slice(1).reduce((a, b) => a * b);
			const weights = Array.from(toFloats(weight), (value, i) => {
				const c = Math.floor(i / area);
				return (value * scale[c]) / deviation[c];
			});
			const biases = Array.from(bias, (value, c) => value + (((own?.[c] ?? 0) - mean[c]) * scale[c]) / deviation[c]);
			const inputs = [
				conv.inputs[0],
				draft.constant("folded.weight", floats(weight.dims, weights)),
				draft.constant("folded.bias", floats([bias.length], biases)),
			];
			draft.remove(norm.outputs[0]);
			draft.replace(conv.outputs[0], (node) => ({ ...node, inputs, outputs: norm.outputs }));
		}
	});
}

/** The same network with the moments that its BatchNorms see in these images for their running ones, as if trained on them. */
export async function trainedOn(graph: Graph, data: Float32Array, norms: "live" | "folded" = "live"): Promise<Graph> {
	const constants = new Map(graph.constants);
	const trained = { ...graph, constants };
	const feeds = { image: { data, dims: [data.length / (3 * MAP * MAP), 3, MAP, MAP] } };
	for (const { op, inputs } of graph.nodes) {
		if (op !== "BatchNormalization") continue;
		// One after the other: what the next one sees depends on this one.
		const { [inputs[0]]: seen } = await evaluate(
			{ ...trained, outputs: [{ name: inputs[0], type: 0, dims: [] }] },
			feeds,
		);
		const [mean, variance] = momentsOfMap(seen.data as Float32Array, seen.dims);
		constants.set(inputs[3], floats([mean.length], mean));
		constants.set(inputs[4], floats([mean.length], variance));
	}
	return norms === "folded" ? foldedByHand(trained) : trained;
}

/** Mean and biased variance of each channel of a batch of maps [N,C,H,W]. */
export function momentsOfMap(
	values: Float32Array,
	[frames, channels, ...lengths]: readonly number[],
): [number[], number[]] {
	const area = lengths.reduce((a, b) => a * b, 1);
	const sums = [new Array<number>(channels).fill(0), new Array<number>(channels).fill(0)];
	for (const [i, value] of values.entries()) {
		const c = Math.floor(i / area) % channels;
		sums[0][c] += value / (frames * area);
		sums[1][c] += value ** 2 / (frames * area);
	}
	return [sums[0], sums[1].map((square, c) => square - sums[0][c] ** 2)];
}

/** Frames of smooth waves and noise, bytes in planes G, B, R. */
export function drawnFrames(count: number, side = MAP): Uint8Array<ArrayBuffer> {
	const random = seeded(11);
	return Uint8Array.from({ length: count * 3 * side * side }, (_, i) => {
		const [frame, plane, x, y] = [
			Math.floor(i / (3 * side * side)),
			Math.floor(i / (side * side)) % 3,
			i % side,
			Math.floor(i / side) % side,
		];
		return 120 + 20 * plane + 60 * Math.sin((frame + 2) * 0.05 * x + 0.2 * y + plane) + 40 * random();
	});
}
