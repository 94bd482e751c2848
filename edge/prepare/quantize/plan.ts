import type { Exposed } from "../expose/expose.js";
import type { Parts } from "../expose/parts.js";
import { consumersOf, floatOf, intOf, intsOf, producersOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";

/** A convolution that becomes one on bytes, with what follows it. */
export interface Convolution {
	readonly node: Node;
	/** The affine behind it, where it is a site. */
	readonly map?: Exposed["maps"][number];
	/** What it makes in the end: behind its affine and its ReLU or Clip, where it has them. */
	readonly result: string;
	/** The bounds of that ReLU or Clip. */
	readonly bounds: Bounds;
}

export interface Bounds {
	readonly min: number;
	readonly max: number;
}

const UNBOUNDED: Bounds = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** What is to work on bytes of an exposed model. */
export interface Plan {
	readonly convolutions: readonly Convolution[];
	/** Products of an activation with a constant matrix. */
	readonly products: readonly Node[];
	/** Tensors that all their readers are to see rounded, so that ONNX Runtime's integer kernels fit in between. */
	readonly rounded: readonly string[];
}

/**
 * Chooses what becomes integer: every convolution and matrix product with constants but the classifier's (`head`: that
 * one too), and sums between maps. Norms and softmax stay in float, and so do attention's products of activations: as
 * bytes they gain nothing on the demo's model and 0 to 7 % on DeiT-tiny's shape. Of a model that came quantized it is
 * what was integer.
 */
export function planOf(exposed: Exposed, parts: Parts, head: boolean): Plan {
	const { graph, maps, grids, image } = exposed;
	const consumers = consumersOf(graph);
	const bound = (tensor: string): { result: string; bounds: Bounds } => {
		const readers = consumers.get(tensor) ?? [];
		const bounds = readers.length === 1 ? boundsOf(graph, readers[0]) : undefined;
		return bounds ? { result: readers[0].outputs[0], bounds } : { result: tensor, bounds: UNBOUNDED };
	};
	const isConstant = (name: string) => name === "" || graph.constants.has(name);
	const came = grids.size > 0;
	const isWanted = ({ inputs }: Node) => (came ? grids.has(inputs[1]) : head || inputs[1] !== parts.head.weight);
	const convolutions = graph.nodes
		.filter((node) => node.op === "Conv" && node.inputs.slice(1).every(isConstant) && isWanted(node))
		.map((node) => {
			const map = maps.find(({ raw }) => raw === node.outputs[0]);
			return { node, ...(map ? { map } : {}), ...bound(map?.output ?? node.outputs[0]) };
		});
	if (came) {
		const flows = [...grids.keys()].filter((name) => !graph.constants.has(name));
		return { convolutions, products: [], rounded: flows.filter((name) => name !== image.tensor) };
	}
	const made = new Set(convolutions.map(({ result }) => result));
	const sums: string[] = [];
	for (const { op, inputs, outputs } of graph.nodes) {
		if (PASSING.includes(op) && made.has(inputs[0])) made.add(outputs[0]);
		if (op !== "Add" || !inputs.every((name) => made.has(name))) continue;
		const { result } = bound(outputs[0]);
		made.add(result);
		sums.push(result);
	}
	const products = graph.nodes.filter(
		(node) =>
			graph.constants.get(node.inputs[1])?.dims.length === 2 &&
			isWanted(node) &&
			(node.op === "MatMul" || isPlainGemm(graph, node)),
	);
	return { convolutions, products, rounded: sums };
}

/** Operators that only move values about, or choose among them. */
export const PASSING = ["MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"];

/** The tensors whose ranges have to be known, with the bounds that nothing in them exceeds. */
export function unknownTensors(
	{ convolutions, products, rounded }: Plan,
	{ graph, image, grids }: Exposed,
): Map<string, Bounds> {
	const tensors = new Map<string, Bounds>();
	const made = new Set([...rounded, ...convolutions.map(({ result }) => result)]);
	const producers = producersOf(graph);
	const isPassedOn = (tensor: string): boolean => {
		const node = producers.get(tensor);
		return made.has(tensor) || (node !== undefined && PASSING.includes(node.op) && isPassedOn(node.inputs[0]));
	};
	for (const { inputs } of [...convolutions.map(({ node }) => node), ...products]) {
		if (!isPassedOn(inputs[0])) tensors.set(inputs[0], UNBOUNDED);
	}
	for (const sum of rounded) tensors.set(sum, UNBOUNDED);
	for (const { map, result, bounds } of convolutions) {
		tensors.set(result, bounds);
		if (map) tensors.set(map.thinned, UNBOUNDED);
	}
	// Bytes from the start.
	if (image.levels) tensors.delete(image.tensor);
	for (const tensor of grids.keys()) tensors.delete(tensor);
	return tensors;
}

/** The bounds of a ReLU or of a Clip by constants. */
function boundsOf(graph: Graph, { op, inputs, attributes }: Node): Bounds | undefined {
	if (op === "Relu") return { min: 0, max: Number.POSITIVE_INFINITY };
	if (op !== "Clip" || attributes.length > 0) return undefined;
	const named = inputs.slice(1).filter((name) => name !== "");
	if (named.some((name) => graph.constants.get(name)?.type !== 1)) return undefined;
	const [min, max] = inputs.slice(1).map((name) => graph.constants.get(name));
	const value = (tensor: typeof min, otherwise: number) =>
		tensor?.type === 1 ? new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset).getFloat32(0, true) : otherwise;
	return { min: value(min, UNBOUNDED.min), max: value(max, UNBOUNDED.max) };
}

/** Whether a Gemm is no more than a product and a bias for each column. */
const isPlainGemm = (graph: Graph, node: Node) =>
	node.op === "Gemm" &&
	intOf(node, "transA", 0) === 0 &&
	floatOf(node, "alpha", 1) === 1 &&
	floatOf(node, "beta", 1) === 1 &&
	(!node.inputs[2] || graph.constants.get(node.inputs[2])?.dims.length === 1);

/** Whether a convolution cuts its input into patches that neither overlap nor are padded. */
export const isPatching = (conv: Node) => {
	const [kernel, strides] = [intsOf(conv, "kernel_shape"), intsOf(conv, "strides")];
	const plain = [...(intsOf(conv, "pads") ?? []), ...(intsOf(conv, "dilations") ?? []).map((d) => d - 1)].every(
		(v) => v === 0,
	);
	return plain && kernel !== undefined && kernel.join() === strides?.join() && kernel.some((length) => length > 1);
};
