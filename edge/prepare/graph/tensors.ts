/** What a tensor's bytes are in an ONNX file, where they lie in its message, and whether they can be believed. */

import type { Tensor } from "./onnx.js";
import type { Message } from "./schema.js";
import { type Refuse, shown } from "./sentence.js";

/** An element type: its width, and the field of the message that holds its elements where they are not raw. */
interface Kind {
	readonly bits: number;
	readonly field: "floatData" | "doubleData" | "int32Data" | "int64Data" | "uint64Data";
}

const kinds = (bits: number, field: Kind["field"], ...types: number[]): [number, Kind][] =>
	types.map((type) => [type, { bits, field }]);
/** ONNX's element types by number, up to opset 21; text is left out. */
const KINDS: ReadonlyMap<number, Kind> = new Map([
	...kinds(32, "floatData", 1),
	...kinds(64, "floatData", 14),
	...kinds(64, "doubleData", 11),
	...kinds(128, "doubleData", 15),
	...kinds(4, "int32Data", 21, 22),
	...kinds(8, "int32Data", 2, 3, 9, 17, 18, 19, 20),
	...kinds(16, "int32Data", 4, 5, 10, 16),
	...kinds(32, "int32Data", 6),
	...kinds(64, "int64Data", 7),
	...kinds(32, "uint64Data", 12),
	...kinds(64, "uint64Data", 13),
]);
const TEXT = 8;
/** No length and no count in a file is beyond its 2 GB. */
const MOST = 2 ** 31;

export const isElementType = (type: number): boolean => type === TEXT || KINDS.has(type);

/**
 * How many bytes the elements of a tensor's message take, by its type and dims.
 * @param label what the tensor is called in a sentence
 */
export function lengthOf(tensor: Message, label: string, refuse: Refuse): number {
	if (tensor.dataType === TEXT || tensor.stringData.length > 0) {
		return refuse(`${label} holds text, which is not supported`);
	}
	const found = KINDS.get(tensor.dataType);
	if (found === undefined) return refuse(`${label} has element type ${tensor.dataType}, which is not known`);
	const dims: number[] = tensor.dims.map(Number);
	const length = Math.ceil((dims.reduce((product, dim) => product * dim, 1) * found.bits) / 8);
	if (dims.every((dim) => dim >= 0 && dim <= MOST) && length <= MOST) return length;
	return refuse(`${label} has dims [${shown(String(dims))}], which no weights in a file can have`);
}

/** A message's tensor, its bytes checked against its dims. */
export function fromMessage(tensor: Message, label: string, refuse: Refuse): Tensor {
	const length = lengthOf(tensor, label, refuse);
	if (tensor.segment?.length) refuse(`${label} is cut into segments, which is not supported`);
	const { field, bits } = KINDS.get(tensor.dataType) as Kind;
	const packed: Uint8Array[] = tensor[field];
	const raw: Uint8Array | undefined = tensor.rawData?.length ? tensor.rawData : undefined;
	const bytes =
		raw ?? (field === "floatData" || field === "doubleData" ? joined(packed) : widened(packed, bits, length));
	const dims = tensor.dims.map(Number);
	if (bytes?.length === length) return { type: tensor.dataType, dims, bytes };
	const found = bytes === undefined ? "a list of another length" : bytes.length;
	return refuse(`${label} has dims [${shown(String(dims))}]: expected ${length} bytes of weights, found ${found}`);
}

export const toMessage = ({ type, dims, bytes }: Tensor) => ({ dataType: type, dims, rawData: bytes });

const joined = (chunks: readonly Uint8Array[]): Uint8Array => (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));

/** The elements of packed varints, cut to their width; undefined where there are not as many as `length` asks for. */
function widened(chunks: readonly Uint8Array[], bits: number, length: number): Uint8Array | undefined {
	const packed = joined(chunks);
	// One varint holds one element, of the narrowest types one byte. Counted before there is memory taken for them.
	const width = Math.max(1, bits / 8);
	let count = 0;
	for (const byte of packed) if (byte < 128) count++;
	if (count * width !== length || (packed.length > 0 && packed[packed.length - 1] >= 128)) return undefined;
	const bytes = new Uint8Array(length);
	let at = 0;
	for (let start = 0; start < length; start += width) {
		for (let shift = 0, byte = 128; byte >= 128; shift += 7) {
			byte = packed[at++];
			// The seven bits may lie over the end of one byte and the start of the next.
			const placed = (byte & 127) << (shift & 7);
			const to = shift >> 3;
			if (to < width) bytes[start + to] |= placed;
			if (to + 1 < width) bytes[start + to + 1] |= placed >> 8;
		}
	}
	return bytes;
}

/** The exponent's bits in the upper two bytes of a float; a number is not finite where all of them are set. */
const EXPONENTS: ReadonlyMap<number, number> = new Map([
	[1, 0x7f80],
	[10, 0x7c00],
	[11, 0x7ff0],
	[16, 0x7f80],
]);

/**
 * Whether a constant can be calculated with. A single number may be infinite: it bounds a Clip or fills what a mask
 * leaves out.
 */
export function allFinite({ type, bytes }: Tensor): boolean {
	const exponent = EXPONENTS.get(type);
	if (exponent === undefined) return true;
	const width = (KINDS.get(type) as Kind).bits / 8;
	for (let end = width; end <= bytes.length; end += width) {
		const upper = (bytes[end - 1] << 8) | bytes[end - 2];
		if ((upper & exponent) !== exponent) continue;
		const infinite =
			(upper & ~exponent & 0x7fff) === 0 && bytes.subarray(end - width, end - 2).every((byte) => byte === 0);
		if (bytes.length > width || !infinite) return false;
	}
	return true;
}
