/** For the fuzz test: small models in the shapes that files have, and ways to break them. */

import { tinyTransformer } from "../fixtures.js";
import { edit, float, floats, int, integers, ints, signedBytes, unsignedBytes } from "./graph.js";
import { ElementType, encodeModel, type Graph } from "./onnx.js";
import { type Message, readMessage, writeMessage } from "./schema.js";
import { toMessage } from "./tensors.js";

/** Pseudo-random whole numbers below `limit`, the same every time. */
export type Random = (limit: number) => number;

export function seeded(seed: number): Random {
	let state = seed;
	return (limit) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
	};
}

// ---------------------------------------------------------------- models

/** The files that are broken. */
export function seeds(): Uint8Array[] {
	const small = encodeModel(quantizedConvolutions());
	return [encodeModel(tinyTransformer({ blocks: 1 })), small, small, otherwiseWritten(small)];
}

/** A convolution between QuantizeLinear and DequantizeLinear, its shape made by a Constant, and a linear head. */
export function quantizedConvolutions(): Graph {
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: 13 }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "image", type: ElementType.float32, dims: ["N", 3, 8, 8] }],
		outputs: [],
	};
	return edit(empty, (draft) => {
		const step = draft.constant("step", floats([], [0.05]));
		const zero = draft.constant("zero", unsignedBytes([], [128]));
		const round = (input: string) =>
			draft.add("DequantizeLinear", [draft.add("QuantizeLinear", [input, step, zero]), step, zero]);
		const bytes = Array.from({ length: 4 * 3 * 9 }, (_, i) => ((i * 37) % 255) - 127);
		const weight = draft.add(
			"DequantizeLinear",
			[
				draft.constant("conv.weight", signedBytes([4, 3, 3, 3], bytes)),
				draft.constant("conv.step", floats([4], [0.01, 0.02, 0.03, 0.04])),
				draft.constant("conv.zero", signedBytes([4], [0, 0, 0, 0])),
			],
			int("axis", 0),
		);
		const bias = draft.constant("conv.bias", floats([4], [0.1, -0.1, 0.2, -0.2]));
		const conv = draft.add("Conv", [round("image"), weight, bias], ints("kernel_shape", 3, 3), ints("strides", 2, 2));
		const most = draft.constant("most", floats([], [6]));
		const pooled = draft.add("GlobalAveragePool", [round(draft.add("Clip", [conv, "", most]))]);
		const value = { name: "value", type: 4, t: toMessage(integers([-1, 4])) };
		const flat = draft.add("Reshape", [pooled, draft.add("Constant", [], value)]);
		const head = draft.constant("head", floats([3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
		const logits = draft.add("Gemm", [flat, head], int("transB", 1), float("alpha", 0.5));
		draft.output("logits", logits, ElementType.float32, ["N", 3]);
	});
}

/** The same model as other programs write it: weights as lists of numbers and among the inputs, names, notes. */
function otherwiseWritten(bytes: Uint8Array): Uint8Array {
	const model: Message = readMessage(bytes);
	const { graph } = model;
	model.docString = Buffer.from("notes");
	model.metadataProps = [Buffer.from([10, 1, 97, 18, 1, 98])];
	graph.valueInfo = [Buffer.from([10, 1, 97])];
	graph.quantizationAnnotation = [Buffer.from([10, 1, 97])];
	for (const [i, tensor] of (graph.initializer as Message[]).entries()) {
		if (tensor.dataType === ElementType.float32) {
			tensor.floatData = [tensor.rawData];
			delete tensor.rawData;
		}
		if (i % 2 === 0) graph.input.push({ name: tensor.name, type: { tensorType: { elemType: tensor.dataType } } });
	}
	graph.initializer[1].int32Data = [Buffer.from([0x80, 1])];
	delete graph.initializer[1].rawData;
	return writeMessage(model);
}

// ---------------------------------------------------------------- what breaks them

/** One field of a message: its tag, and its value as it is written or, of a message in it, the fields. */
interface Field {
	tag: number;
	value: Uint8Array | Field[];
}

/** A broken copy of one of the models, another for each seed. */
export function mutant(models: readonly Uint8Array[], seed: number): Uint8Array {
	const random = seeded(seed);
	const pick = <T>(list: readonly T[]): T => list[random(list.length)];
	const bytes = Buffer.from(pick(models));
	if (random(3) === 0) return breakBytes(bytes, pick(models), random);
	const root = fieldsOf(bytes, 0) as Field[];
	for (let times = 1 + random(3); times > 0; times--) breakField(root, random);
	return written(root);
}

/** Breaks a file without a look at what it says. */
function breakBytes(bytes: Buffer, other: Uint8Array, random: Random): Uint8Array {
	const at = random(bytes.length);
	const length = random(random(2) === 0 ? 8 : bytes.length);
	switch (random(6)) {
		case 0:
			bytes[at] ^= 1 << random(8);
			return bytes;
		case 1:
			for (let times = random(20); times >= 0; times--) bytes[random(bytes.length)] = random(256);
			return bytes;
		case 2:
			return bytes.subarray(0, at);
		case 3:
			return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
		case 4:
			return Buffer.concat([bytes.subarray(0, at), other.subarray(at, at + length), bytes.subarray(at)]);
		default:
			bytes.subarray(at, at + random(11)).fill(0xff);
			return bytes;
	}
}

/** Breaks one field, and lets the lengths of what it stands in still be right. */
function breakField(root: Field[], random: Random): void {
	const lists: Field[][] = [];
	const collect = (list: Field[]) => {
		if (list.length > 0) lists.push(list);
		for (const { value } of list) if (Array.isArray(value)) collect(value);
	};
	collect(root);
	if (lists.length === 0) return;
	const list = lists[random(lists.length)];
	const other = lists[random(lists.length)];
	const at = random(list.length);
	const field = list[at];
	switch (random(8)) {
		case 0:
			list.splice(at, 1);
			return;
		case 1:
			list.splice(random(list.length), 0, field);
			return;
		case 2:
			list[at] = { ...field, tag: field.tag ^ (1 << random(8)) };
			return;
		case 3:
			// A copy, for a message in itself has no end.
			list[at] = { tag: field.tag, value: Buffer.from(raw(other[random(other.length)].value)) };
			return;
		case 4:
			list.splice(at, 0, {
				...other[random(other.length)],
				value: Buffer.from(raw(other[random(other.length)].value)),
			});
			return;
		default:
			list[at] = { tag: field.tag, value: brokenValue(field, random) };
	}
}

function brokenValue({ tag, value }: Field, random: Random): Uint8Array {
	const bytes = Buffer.from(raw(value));
	if ((tag & 7) === 0) {
		const numbers = [
			0n,
			1n,
			2n,
			5n,
			10n,
			2n ** 31n - 1n,
			2n ** 31n,
			2n ** 32n,
			2n ** 62n,
			2n ** 63n - 1n,
			2n ** 64n - 1n,
		];
		return varint(random(2) === 0 ? BigInt(random(30)) : numbers[random(numbers.length)]);
	}
	if ((tag & 7) !== 2) return bytes.map(() => random(256));
	switch (random(5)) {
		case 0:
			return bytes.subarray(0, random(bytes.length));
		case 1:
			return Buffer.concat([bytes, bytes]);
		case 2:
			return Buffer.from(["", "image", "logits", "If", "\n", "__proto__", "é\u2028", "\ud800"][random(8)]);
		case 3:
			// Four bytes that are a NaN, wherever they fall.
			return Buffer.concat([bytes.subarray(0, -4), Buffer.from([0, 0, 0xc0, 0x7f])]);
		default:
			for (let times = random(4); times >= 0; times--) bytes[random(bytes.length)] ^= 1 << random(8);
			return bytes;
	}
}

// ---------------------------------------------------------------- the wire format

const raw = (value: Field["value"]): Uint8Array => (Array.isArray(value) ? written(value) : value);

function varint(value: bigint): Uint8Array {
	const bytes: number[] = [];
	for (let rest = value; bytes.length === 0 || rest > 0n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
	bytes[bytes.length - 1] &= 127;
	return Uint8Array.from(bytes);
}

function written(fields: readonly Field[]): Uint8Array {
	return Buffer.concat(
		fields.flatMap(({ tag, value }) => {
			const bytes = raw(value);
			return [varint(BigInt(tag)), ...((tag & 7) === 2 ? [varint(BigInt(bytes.length))] : []), bytes];
		}),
	);
}

/** The fields that bytes can be read as; undefined where they cannot. */
function fieldsOf(bytes: Uint8Array, depth: number): Field[] | undefined {
	const fields: Field[] = [];
	let at = 0;
	const number = () => {
		let value = 0;
		for (let scale = 1; ; scale *= 128) {
			const byte = bytes[at++] ?? 0;
			value += (byte & 127) * scale;
			if (byte < 128) return value;
		}
	};
	while (at < bytes.length) {
		const tag = number();
		const kind = tag & 7;
		if (tag < 8 || tag > 250 || ![0, 1, 2, 5].includes(kind)) return undefined;
		const length = kind === 2 ? number() : kind === 1 ? 8 : kind === 5 ? 4 : 0;
		const start = at;
		if (kind === 0) number();
		else at += length;
		if (at > bytes.length) return undefined;
		const value = bytes.subarray(start, at);
		const inner = kind === 2 && depth < 6 && value.length > 1 ? fieldsOf(value, depth + 1) : undefined;
		fields.push({ tag, value: inner ?? value });
	}
	return fields;
}
