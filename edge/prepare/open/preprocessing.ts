/** What a model does to the image before its first convolution, where an exporter has put that into the graph. */

import type { Normalization } from "../expose/image.js";
import { consumersOf, type Draft, edit, intsOf, toFloats, toIntegers } from "../graph/graph.js";
import type { Grids } from "../graph/grid.js";
import { ElementType, type Graph, type Node } from "../graph/onnx.js";
import { evaluate, toConstant } from "../graph/session.js";
import { batchNormOf, isBatchNorm } from "./batchNorm.js";
import type { Size } from "./open.js";

/** The same graph for images [N,3,H,W], where it turns [N,H,W,3] into these first, as what comes from TensorFlow does. */
export function withChannelsFirst(graph: Graph): Graph {
	const [image, ...others] = graph.inputs;
	const [turn, ...more] = consumersOf(graph).get(image?.name ?? "") ?? [];
	const [batch, height, width, channels] = image?.dims ?? [];
	const turns = turn?.op === "Transpose" && intsOf(turn, "perm")?.join() === "0,3,1,2";
	if (!turns || more.length > 0 || others.length > 0 || image.dims.length !== 4) return graph;
	return edit(graph, (draft) => {
		draft.redirect(turn.outputs[0], image.name);
		draft.inputs = [{ ...image, dims: [batch, channels, height, width] }];
	});
}

/** What `withoutNormalization` found. */
export interface Bare {
	readonly graph: Graph;
	readonly grids: Grids;
	/** (x − mean) / std is what the model made of each channel first; absent where it did nothing. */
	readonly inside?: Normalization;
}

/**
 * Takes sums and products of the image with a number, or with one for each channel, and a BatchNorm of it out of the graph:
 * what they do is done by whoever makes the image. Where the model came quantized, what it rounds is the image then.
 */
export function withoutNormalization(graph: Graph, grids: Grids): Bare {
	const [{ name: image }] = graph.inputs;
	const consumers = consumersOf(graph);
	let found: Affine = { gain: [1, 1, 1], shift: [0, 0, 0] };
	let last = image;
	while (!grids.has(last) && !graph.outputs.some(({ name }) => name === last)) {
		// The shape is the same before and behind.
		const [node, ...others] = (consumers.get(last) ?? []).filter(({ op }) => op !== "Shape");
		const step = node && others.length === 0 ? affineOf(graph, node, last) : undefined;
		if (step === undefined) break;
		found = behind(found, step);
		[last] = node.outputs;
	}
	const { gain, shift } = found;
	if (last === image || gain.some((value) => value === 0)) return { graph, grids };
	const grid = grids.get(last);
	return {
		graph: edit(graph, (draft: Draft) => draft.redirect(last, image)),
		grids: grid ? new Map([...grids, [image, grid]]) : grids,
		inside: {
			mean: perChannel((c) => -shift[c] / gain[c]),
			std: perChannel((c) => 1 / gain[c]),
		},
	};
}

/** What an image that is normalized so and then so has gone through in all. */
export const oneAfterOther = (first: Normalization, then: Normalization | undefined): Normalization =>
	then === undefined
		? first
		: {
				mean: perChannel((c) => first.mean[c] + then.mean[c] * first.std[c]),
				std: perChannel((c) => first.std[c] * then.std[c]),
			};

/** gain · x + shift for each channel. */
interface Affine {
	readonly gain: readonly number[];
	readonly shift: readonly number[];
}

type Triple = Normalization["mean"];

const perChannel = (value: (channel: number) => number): Triple => [value(0), value(1), value(2)];

const behind = (first: Affine, then: Affine): Affine => ({
	gain: first.gain.map((gain, c) => gain * then.gain[c]),
	shift: first.shift.map((shift, c) => shift * then.gain[c] + then.shift[c]),
});

/** What a node does to each channel of the image; undefined where it is more than that. */
function affineOf(graph: Graph, node: Node, image: string): Affine | undefined {
	const [a, b] = node.inputs;
	if (a === image && isBatchNorm(graph, node)) {
		const { scale, bias, mean, deviation } = batchNormOf(graph, node);
		if (scale.length !== 3) return undefined;
		const gain = perChannel((c) => scale[c] / deviation[c]);
		return { gain, shift: gain.map((value, c) => bias[c] - value * mean[c]) };
	}
	const values = constantOf(graph, a === image ? b : a);
	if (values === undefined || (b === image && a === image)) return undefined;
	const ones = [1, 1, 1];
	const zeros = [0, 0, 0];
	const negative = (list: readonly number[]) => list.map((value) => -value);
	if (node.op === "Add") return { gain: ones, shift: values };
	if (node.op === "Mul") return { gain: values, shift: zeros };
	if (node.op === "Sub") {
		return a === image ? { gain: ones, shift: negative(values) } : { gain: negative(ones), shift: values };
	}
	if (node.op !== "Div" || a !== image) return undefined;
	return { gain: values.map((value) => 1 / value), shift: zeros };
}

/** A constant's value for each channel of an image: a single number, or three along the channels. */
function constantOf(graph: Graph, name: string | undefined): readonly number[] | undefined {
	const constant = graph.constants.get(name ?? "");
	if (constant?.type !== ElementType.float32 || constant.dims.length > 4) return undefined;
	const dims = [1, 1, 1, 1, ...constant.dims].slice(-4).join();
	const values = toFloats(constant);
	if (dims === "1,1,1,1") return [values[0], values[0], values[0]];
	return dims === "1,3,1,1" ? [...values] : undefined;
}

/**
 * Makes constants of how much is padded where the model computes that from the size of its image, as TensorFlow's way of
 * padding is exported: of two batches of different length the numbers that are the same for both.
 */
export async function withFixedPads(graph: Graph, { height, width }: Size): Promise<Graph> {
	const computed = graph.nodes.flatMap(({ op, inputs }) =>
		op === "Pad" && inputs[1] && !graph.constants.has(inputs[1]) ? [inputs[1]] : [],
	);
	if (computed.length === 0) return graph;
	const outputs = [...new Set(computed)].map((name) => ({ name, type: 0, dims: [] }));
	const [image] = graph.inputs;
	const inputs = [{ ...image, dims: ["N", 3, height, width] }];
	const run = async (frames: number) => {
		const data = new Float32Array(frames * 3 * height * width);
		const feeds = { [image.name]: { data, dims: [frames, 3, height, width] } };
		// Whether it runs at all is asked later.
		return evaluate(
			edit({ ...graph, inputs, outputs }, () => {}),
			feeds,
		).catch(() => undefined);
	};
	const [one, two] = [await run(1), await run(2)];
	if (one === undefined || two === undefined) return graph;
	return edit(graph, (draft) => {
		for (const { name } of outputs) {
			const [a, b] = [one[name], two[name]];
			const same = a.type === "int64" && (a.data as BigInt64Array).join() === (b.data as BigInt64Array).join();
			if (!same) continue;
			const pads = draft.constant("pads", toConstant(a));
			draft.nodes = draft.nodes.map((node) =>
				node.op === "Pad" && node.inputs[1] === name
					? { ...node, inputs: [node.inputs[0], pads, ...node.inputs.slice(2)] }
					: node,
			);
		}
	});
}

/** Lets convolutions pad by themselves what is padded with zeros in front of them, as what comes from TensorFlow has it. */
export function withPaddingInside(graph: Graph): Graph {
	const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
	const consumers = consumersOf(graph);
	return edit(graph, (draft) => {
		for (const conv of graph.nodes) {
			const pad = producers.get(conv.inputs[0]);
			if (conv.op !== "Conv" || pad?.op !== "Pad" || consumers.get(conv.inputs[0])?.length !== 1) continue;
			const [before, own] = [padsOf(graph, pad), ownPads(conv)];
			if (before === undefined || own === undefined || graph.outputs.some(({ name }) => name === conv.inputs[0]))
				continue;
			const pads = { name: "pads", type: 7, ints: before.map((length, i) => length + own[i]) };
			const others = conv.attributes.filter(({ name }) => name !== "pads" && name !== "auto_pad");
			draft.replace(conv.outputs[0], (node) => ({
				...node,
				inputs: [pad.inputs[0], ...node.inputs.slice(1)],
				attributes: [...others, pads],
			}));
		}
	});
}

/** Zeros that a Pad puts around the rows and columns of maps; undefined where it does something else. */
function padsOf(graph: Graph, { inputs, attributes }: Node): number[] | undefined {
	const mode = attributes.find(({ name }) => name === "mode")?.s;
	const [lengths, value] = [graph.constants.get(inputs[1]), inputs[2] ? graph.constants.get(inputs[2]) : undefined];
	const isZero = !inputs[2] || (value?.type === ElementType.float32 && toFloats(value).every((one) => one === 0));
	if ((mode && Buffer.from(mode).toString() !== "constant") || !isZero || inputs[3]) return undefined;
	if (lengths?.type !== ElementType.int64 || lengths.dims.join() !== "8") return undefined;
	const [n, c, top, left, nEnd, cEnd, bottom, right] = toIntegers(lengths);
	const around = [top, left, bottom, right];
	return [n, c, nEnd, cEnd].every((one) => one === 0) && around.every((one) => one >= 0) ? around : undefined;
}

/** Those of a convolution in two dimensions; undefined where it computes them. */
function ownPads(conv: Node): number[] | undefined {
	const auto = conv.attributes.find(({ name }) => name === "auto_pad")?.s;
	const way = auto ? Buffer.from(auto).toString() : "NOTSET";
	if (way === "VALID") return [0, 0, 0, 0];
	const pads = intsOf(conv, "pads") ?? [0, 0, 0, 0];
	return way === "NOTSET" && pads.length === 4 ? pads : undefined;
}
