/** Reads and writes ONNX files. Everything else in this folder works on the plain `Graph` declared here. */

import { foreignKind } from "./foreign.js";
import { type Message, readMessage, unknownPart, writeMessage } from "./schema.js";
import { type Refuse, refusing, shown } from "./sentence.js";
import { fromMessage, toMessage } from "./tensors.js";
import { valid } from "./valid.js";

/** ONNX's numbers for the element types that occur here; tensors of other types pass through untouched. */
export const ElementType = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 } as const;

/** A constant: `bytes` are its elements, little-endian and row-major. */
export interface Tensor {
	readonly type: number;
	readonly dims: readonly number[];
	readonly bytes: Uint8Array;
}

/** An attribute as it stands in the file; `graph.ts` reads and makes the kinds that are needed. */
export interface Attribute {
	readonly name: string;
	readonly type: number;
	readonly f?: number;
	readonly i?: number;
	readonly s?: Uint8Array;
	readonly t?: unknown;
	readonly floats?: readonly number[];
	readonly ints?: readonly number[];
	readonly strings?: readonly Uint8Array[];
}

export interface Node {
	readonly op: string;
	readonly domain: string;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	readonly attributes: readonly Attribute[];
}

/** A graph's input or output: a name where the axis is free, a number where it is fixed. Type 0: left to be inferred. */
export interface Value {
	readonly name: string;
	readonly type: number;
	readonly dims: readonly (number | string)[];
}

/** A model without what does not change its result (documentation, recorded shapes, metadata). */
export interface Graph {
	readonly irVersion: number;
	readonly opsets: readonly { readonly domain: string; readonly version: number }[];
	readonly nodes: readonly Node[];
	readonly constants: ReadonlyMap<string, Tensor>;
	readonly inputs: readonly Value[];
	readonly outputs: readonly Value[];
}

/**
 * Decodes an ONNX file.
 * @throws {Mistake} when the bytes are no ONNX model, or one that uses what is not handled (subgraphs, functions, weights in
 * other files, which `readModel` reads)
 */
export function decodeModel(bytes: Uint8Array, path: string): Graph {
	const model = parseModel(bytes, path);
	const external = tensorsOf(model).some(({ message }) => isExternal(message));
	if (external) refusing(path)("keeps its weights in another file; expected them all in one");
	return toGraph(model, path);
}

/** Whether a tensor's bytes are in another file. */
export const isExternal = (tensor: Message): boolean => tensor.externalData.length > 0 || tensor.dataLocation === 1;

/**
 * The first half of `decodeModel`: the file's messages, of kinds that are all known.
 * @throws {Mistake}
 */
export function parseModel(bytes: Uint8Array, path: string): Message {
	const refuse: Refuse = refusing(path);
	const model = decode(bytes, refuse);
	if (!model.graph?.node?.length) refuse(`expected an ONNX model, found ${foreignKind(bytes) ?? "no graph in it"}`);
	const unknown = unknownPart(model);
	if (unknown !== undefined) refuse(`uses a part of ONNX that is newer than this program (in ${unknown})`);
	if (model.functions.length > 0) refuse("contains model-local functions; export it with them inlined");
	if (model.trainingInfo.length > 0) refuse("contains steps of training; export it for inference");
	if (model.graph.sparseInitializer.length > 0) refuse("contains sparse weights, which are not supported");
	return model;
}

function decode(bytes: Uint8Array, refuse: Refuse): Message {
	try {
		return readMessage(bytes);
	} catch (cause) {
		const found = foreignKind(bytes) ?? "a file that cannot be decoded as one";
		return refuse(`expected an ONNX model, found ${found}`, cause);
	}
}

/** The messages of all tensors in a model, and what each is called in a sentence. */
export function tensorsOf(model: Message): { readonly message: Message; readonly label: string }[] {
	const held = (node: Message) => node.attribute.filter((a: Message) => a.t);
	return [
		...model.graph.initializer.map((t: Message) => ({ message: t, label: weightLabel(t) })),
		...model.graph.node.flatMap((n: Message) =>
			held(n).map((a: Message) => ({ message: a.t, label: heldLabel(n, a) })),
		),
	];
}

const weightLabel = (tensor: Message) => `weight ${shown(tensor.name)}`;
const nodeLabel = (node: Message) => `node ${shown(node.name || node.output[0] || "without a name")}`;
const heldLabel = (node: Message, attribute: Message) => `${shown(attribute.name)} of ${nodeLabel(node)}`;

/**
 * The second half of `decodeModel`, when all tensors hold their bytes.
 * @throws {Mistake}
 */
export function toGraph(model: Message, path: string): Graph {
	const refuse: Refuse = refusing(path);
	const constants = new Map<string, Tensor>();
	for (const tensor of model.graph.initializer as Message[]) {
		if (tensor.name === "") refuse("has a weight without a name");
		if (constants.has(tensor.name)) refuse(`has two weights called ${shown(tensor.name)}`);
		constants.set(tensor.name, fromMessage(tensor, weightLabel(tensor), refuse));
	}
	const graph = {
		irVersion: Number(model.irVersion),
		opsets: model.opsetImport.map((o: Message) => ({ domain: plain(o.domain), version: Number(o.version) })),
		nodes: model.graph.node.map((n: Message) => fromNode(n, refuse)),
		constants,
		// Old exporters list the weights among the inputs.
		inputs: model.graph.input.map(fromValue).filter((v: Value) => !constants.has(v.name)),
		outputs: model.graph.output.map(fromValue),
	};
	return valid(graph, refuse);
}

/** Encodes a graph as an ONNX file. */
export function encodeModel(graph: Graph): Uint8Array {
	return writeMessage({
		irVersion: graph.irVersion,
		producerName: Buffer.from("acclimate"),
		opsetImport: graph.opsets,
		graph: {
			name: "acclimate",
			node: graph.nodes.map((n) => ({
				opType: n.op,
				domain: n.domain,
				name: n.outputs.find((output) => output !== ""),
				input: n.inputs,
				output: n.outputs,
				attribute: n.attributes,
			})),
			initializer: [...graph.constants].map(([name, tensor]) => ({ name, ...toMessage(tensor) })),
			input: graph.inputs.map(toValue),
			output: graph.outputs.map(toValue),
		},
	});
}

/** The standard operators' domain has two names. */
const plain = (domain: string) => (domain === "ai.onnx" ? "" : domain);

const fromNode = (node: Message, refuse: Refuse): Node => ({
	op: node.opType,
	domain: plain(node.domain),
	inputs: node.input,
	outputs: node.output,
	attributes: node.attribute.map((a: Message) => fromAttribute(node, a, refuse)),
});

/** Which field an attribute's value lies in, by ONNX's number for its type. */
const ATTRIBUTES: Readonly<Record<number, keyof Attribute>> = {
	1: "f",
	2: "i",
	3: "s",
	4: "t",
	6: "floats",
	7: "ints",
	8: "strings",
};
const SUBGRAPHS = [5, 10];

function fromAttribute(node: Message, attribute: Message, refuse: Refuse): Attribute {
	const { name, type } = attribute;
	if (attribute.g?.length || attribute.graphs.length > 0 || SUBGRAPHS.includes(type)) {
		refuse(`${nodeLabel(node)} holds a subgraph (${shown(node.opType)}), which is not supported`);
	}
	const label = heldLabel(node, attribute);
	const key = ATTRIBUTES[type];
	if (key === undefined || attribute.refAttrName !== "") refuse(`${label} is of a kind that is not supported`);
	if (type !== 4) return { name, type, [key]: attribute[key] };
	if (!attribute.t) refuse(`${label} is missing`);
	return { name, type, t: toMessage(fromMessage(attribute.t, label, refuse)) };
}

const fromValue = (value: Message): Value => ({
	name: value.name,
	type: value.type?.tensorType?.elemType ?? 0,
	dims: (value.type?.tensorType?.shape?.dim ?? []).map((d: Message) =>
		Number(d.dimValue) > 0 ? Number(d.dimValue) : d.dimParam || "?",
	),
});

const toValue = ({ name, type, dims }: Value) => {
	const shape = { dim: dims.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) };
	return type === 0 ? { name } : { name, type: { tensorType: { elemType: type, shape } } };
};
