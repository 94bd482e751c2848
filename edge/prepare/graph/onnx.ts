/** Reads and writes ONNX files. Everything else in this folder works on the plain `Graph` declared here. */

import protobuf from "protobufjs";
import { Mistake } from "../../mistake.js";

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

// Field numbers of ONNX's protocol buffers. What is not read here is listed all the same, so that anything unlisted is
// recognised as unknown, and the model refused instead of changed in silence.
const field = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: "repeated" });
const ROOT = protobuf.Root.fromJSON({
	nested: {
		Model: {
			fields: {
				irVersion: field(1, "int64"),
				producerName: field(2, "bytes"),
				producerVersion: field(3, "bytes"),
				domain: field(4, "bytes"),
				modelVersion: field(5, "int64"),
				docString: field(6, "bytes"),
				graph: field(7, "Graph"),
				opsetImport: many(8, "Opset"),
				metadataProps: many(14, "bytes"),
				trainingInfo: many(20, "bytes"),
				functions: many(25, "bytes"),
				configuration: many(26, "bytes"),
			},
		},
		Opset: { fields: { domain: field(1, "string"), version: field(2, "int64") } },
		Graph: {
			fields: {
				node: many(1, "Node"),
				name: field(2, "string"),
				initializer: many(5, "Tensor"),
				docString: field(10, "bytes"),
				input: many(11, "Value"),
				output: many(12, "Value"),
				valueInfo: many(13, "bytes"),
				quantizationAnnotation: many(14, "bytes"),
				sparseInitializer: many(15, "bytes"),
				metadataProps: many(16, "bytes"),
			},
		},
		Node: {
			fields: {
				input: many(1, "string"),
				output: many(2, "string"),
				name: field(3, "string"),
				opType: field(4, "string"),
				attribute: many(5, "Attribute"),
				docString: field(6, "bytes"),
				domain: field(7, "string"),
				overload: field(8, "string"),
				metadataProps: many(9, "bytes"),
				deviceConfigurations: many(10, "bytes"),
			},
		},
		Attribute: {
			fields: {
				name: field(1, "string"),
				f: field(2, "float"),
				i: field(3, "int64"),
				s: field(4, "bytes"),
				t: field(5, "Tensor"),
				g: field(6, "bytes"),
				floats: many(7, "float"),
				ints: many(8, "int64"),
				strings: many(9, "bytes"),
				tensors: many(10, "bytes"),
				graphs: many(11, "bytes"),
				docString: field(13, "bytes"),
				tp: field(14, "bytes"),
				typeProtos: many(15, "bytes"),
				type: field(20, "int32"),
				refAttrName: field(21, "string"),
				sparseTensor: field(22, "bytes"),
				sparseTensors: many(23, "bytes"),
			},
		},
		Tensor: {
			fields: {
				dims: many(1, "int64"),
				dataType: field(2, "int32"),
				segment: field(3, "bytes"),
				floatData: many(4, "float"),
				int32Data: many(5, "int32"),
				stringData: many(6, "bytes"),
				int64Data: many(7, "int64"),
				name: field(8, "string"),
				rawData: field(9, "bytes"),
				doubleData: many(10, "double"),
				uint64Data: many(11, "uint64"),
				docString: field(12, "bytes"),
				externalData: many(13, "bytes"),
				dataLocation: field(14, "int32"),
				metadataProps: many(16, "bytes"),
			},
		},
		Value: {
			fields: {
				name: field(1, "string"),
				type: field(2, "Type"),
				docString: field(3, "bytes"),
				metadataProps: many(4, "bytes"),
			},
		},
		Type: {
			fields: {
				tensorType: field(1, "TensorType"),
				sequenceType: field(4, "bytes"),
				mapType: field(5, "bytes"),
				denotation: field(6, "string"),
				sparseTensorType: field(8, "bytes"),
				optionalType: field(9, "bytes"),
			},
		},
		TensorType: { fields: { elemType: field(1, "int32"), shape: field(2, "Shape") } },
		Shape: { fields: { dim: many(1, "Dimension") } },
		Dimension: {
			fields: { dimValue: field(1, "int64"), dimParam: field(2, "string"), denotation: field(3, "string") },
		},
	},
});
const MODEL = ROOT.lookupType("Model");

// biome-ignore lint/suspicious/noExplicitAny: what protobufjs decodes is typed by the table above only
type Message = any;

/**
 * Decodes an ONNX file.
 * @throws {Mistake} when the bytes are no ONNX model, or one that uses what is not handled (weights in other files, subgraphs, functions)
 */
export function decodeModel(bytes: Uint8Array, path: string): Graph {
	const model = decode(bytes, path);
	const refuse = (what: string): never => {
		throw new Mistake(`${path}: ${what}`);
	};
	if (!model.graph?.node?.length) refuse("expected an ONNX model, found no graph in it");
	const unknown = unknownFields(model);
	if (unknown !== undefined) refuse(`uses a part of ONNX that is newer than this program (in ${unknown})`);
	if (model.functions.length > 0) refuse("contains model-local functions; export it with them inlined");
	if (model.graph.sparseInitializer.length > 0) refuse("contains sparse weights, which are not supported");
	for (const tensor of model.graph.initializer as Message[]) {
		if (tensor.externalData.length > 0 || tensor.dataLocation === 1) {
			refuse("keeps its weights in another file; save it as one file");
		}
		if (tensor.stringData.length > 0) refuse(`constant ${tensor.name} holds text, which is not supported`);
	}
	for (const node of model.graph.node as Message[]) {
		if (node.attribute.some((a: Message) => a.g?.length || a.graphs.length > 0)) {
			refuse(`node ${node.name || node.opType} holds a subgraph (${node.opType}), which is not supported`);
		}
	}
	const constants = new Map<string, Tensor>();
	for (const tensor of model.graph.initializer as Message[]) constants.set(tensor.name, fromMessage(tensor));
	return {
		irVersion: Number(model.irVersion),
		opsets: model.opsetImport.map((o: Message) => ({ domain: o.domain, version: Number(o.version) })),
		nodes: model.graph.node.map(
			(n: Message): Node => ({
				op: n.opType,
				domain: n.domain === "ai.onnx" ? "" : n.domain,
				inputs: n.input,
				outputs: n.output,
				attributes: n.attribute,
			}),
		),
		constants,
		// Old exporters list the weights among the inputs.
		inputs: model.graph.input.map(fromValue).filter((v: Value) => !constants.has(v.name)),
		outputs: model.graph.output.map(fromValue),
	};
}

/** Encodes a graph as an ONNX file. */
export function encodeModel(graph: Graph): Uint8Array {
	return MODEL.encode(
		MODEL.fromObject({
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
		}),
	).finish();
}

function decode(bytes: Uint8Array, path: string): Message {
	const reader = protobuf.Reader.create(bytes);
	reader.discardUnknown = false;
	try {
		return MODEL.decode(reader);
	} catch (cause) {
		throw new Mistake(`${path}: expected an ONNX model, found a file that cannot be decoded as one`, { cause });
	}
}

function unknownFields(message: Message, where = "the model"): string | undefined {
	if (message?.$unknowns?.length) return where;
	const entries = typeof message === "object" && !ArrayBuffer.isView(message) ? Object.entries(message ?? {}) : [];
	for (const [key, value] of entries) {
		const parts = Array.isArray(value) && typeof value[0] === "object" ? value : [value];
		for (const part of parts) {
			if (part?.constructor?.$type === undefined && part?.$type === undefined) continue;
			const found = unknownFields(part, key);
			if (found !== undefined) return found;
		}
	}
	return undefined;
}

function fromMessage(tensor: Message): Tensor {
	return { type: tensor.dataType, dims: tensor.dims.map(Number), bytes: elements(tensor) };
}

function elements(tensor: Message): Uint8Array {
	if (tensor.rawData?.length) return tensor.rawData;
	const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
	if (tensor.floatData.length > 0) return bytes(Float32Array.from(tensor.floatData));
	if (tensor.doubleData.length > 0) return bytes(Float64Array.from(tensor.doubleData));
	if (tensor.int64Data.length > 0) return bytes(BigInt64Array.from(tensor.int64Data, (v) => BigInt(String(v))));
	if (tensor.uint64Data.length > 0) return bytes(BigUint64Array.from(tensor.uint64Data, (v) => BigInt(String(v))));
	// One 32-bit field stands for all the narrow types; its elements are as wide as the type.
	const values: number[] = tensor.int32Data;
	if (tensor.dataType === ElementType.int32) return bytes(Int32Array.from(values));
	const narrow: number[] = [ElementType.uint8, ElementType.int8, ElementType.bool];
	return bytes(narrow.includes(tensor.dataType) ? Uint8Array.from(values) : Uint16Array.from(values));
}

const toMessage = (tensor: Tensor) => ({ dataType: tensor.type, dims: tensor.dims, rawData: tensor.bytes });

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
