import { createHash } from "node:crypto";
import { DefaultDeserializer, serialize } from "node:v8";

/** Of the header and the encoding of what follows; a record of another format is not read. */
const FORMAT = 1;
/** Format, seven bytes of nothing, the sequence number, the checksum of all that follows the format. */
const HEADER = 48;

/** A record as it is stored: versioned, checksummed, typed arrays as they are. `sequence` tells the order records were made in. */
export function encode(value: unknown, sequence: number): Buffer {
	const record = Buffer.concat([Buffer.alloc(HEADER), serialize(value)]);
	record.writeUInt8(FORMAT, 0);
	record.writeDoubleLE(sequence, 8);
	checksum(record).copy(record, 16);
	return record;
}

/** The opposite of `encode`; the problem in words where a record cannot be read. */
export function decode(record: Buffer): { value: unknown; sequence: number } | { problem: string } {
	if (record.length < HEADER) return { problem: "it is cut off" };
	if (record[0] !== FORMAT) return { problem: `it has format ${record[0]}, not ${FORMAT}` };
	if (!checksum(record).equals(record.subarray(16, HEADER))) return { problem: "its checksum is wrong" };
	try {
		const reader = new Copying(record.subarray(HEADER));
		reader.readHeader();
		return { value: reader.readValue(), sequence: record.readDoubleLE(8) };
	} catch (error) {
		return { problem: (error as Error).message }; // written by a newer Node.js
	}
}

function checksum(record: Buffer): Buffer {
	return createHash("sha256").update(record.subarray(8, 16)).update(record.subarray(HEADER)).digest();
}

/** Node's own gives out typed arrays that share one buffer; transferring one to a worker would empty them all. */
class Copying extends DefaultDeserializer {
	_readHostObject(): unknown {
		const shared: unknown = (DefaultDeserializer.prototype as unknown as Host)._readHostObject.call(this);
		if (Buffer.isBuffer(shared)) return Buffer.from(shared);
		if (!ArrayBuffer.isView(shared) || shared instanceof DataView) return shared;
		return (shared as Float32Array).slice();
	}
}

interface Host {
	_readHostObject(): unknown;
}
