/** ONNX's protocol buffers: the table of their fields, and the way from bytes to messages and back. */

import protobuf from "protobufjs";

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
				// Packed numbers, kept as they lie in the file: as arrays of numbers they would take many times the room.
				floatData: many(4, "bytes"),
				int32Data: many(5, "bytes"),
				stringData: many(6, "bytes"),
				int64Data: many(7, "bytes"),
				name: field(8, "string"),
				rawData: field(9, "bytes"),
				doubleData: many(10, "bytes"),
				uint64Data: many(11, "bytes"),
				docString: field(12, "bytes"),
				externalData: many(13, "Entry"),
				dataLocation: field(14, "int32"),
				metadataProps: many(16, "bytes"),
			},
		},
		Entry: { fields: { key: field(1, "string"), value: field(2, "string") } },
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
export type Message = any;

/** Most fields and listed numbers of a file, weights not counted; the largest models have some hundred thousand. */
const MOST_PARTS = 2_000_000;

/**
 * Decodes the bytes of a model.
 * @throws {Error} of some kind, when they are none
 */
export function readMessage(bytes: Uint8Array): Message {
	// As a Buffer, so that weights are views of the file and no copies.
	const reader = protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
	reader.discardUnknown = false;
	limitParts(reader);
	return MODEL.decode(reader);
}

export const writeMessage = (message: Message): Uint8Array => MODEL.encode(MODEL.fromObject(message)).finish();

/** Two bytes can make an object of a hundred, so that a file of nothing but parts would take all memory there is. */
function limitParts(reader: protobuf.Reader): void {
	const { tag, floats, int64s } = reader as Message;
	let left = MOST_PARTS;
	const count = (parts: number) => {
		left -= parts;
		if (left < 0) throw new RangeError("too many parts");
	};
	const counted = (read: (array: number[]) => number[], bytesEach: number) => (array: number[]) => {
		const start = reader.pos;
		count((reader as Message).size() / bytesEach);
		reader.pos = start;
		return read.call(reader, array);
	};
	Object.assign(reader, {
		tag: () => {
			count(1);
			return tag.call(reader);
		},
		floats: counted(floats, 4),
		int64s: counted(int64s, 1),
	});
}

/** Where in a message something stands that the table does not know. */
export function unknownPart(message: Message, where = "the model"): string | undefined {
	if (message?.$unknowns?.length) return where;
	const entries = typeof message === "object" && !ArrayBuffer.isView(message) ? Object.entries(message ?? {}) : [];
	for (const [key, value] of entries) {
		const parts = Array.isArray(value) && typeof value[0] === "object" ? value : [value];
		for (const part of parts) {
			if (part?.constructor?.$type === undefined && part?.$type === undefined) continue;
			const found = unknownPart(part, key);
			if (found !== undefined) return found;
		}
	}
	return undefined;
}
