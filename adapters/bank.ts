import { createHash } from "node:crypto";
import {
	accessSync,
	closeSync,
	constants,
	existsSync,
	mkdirSync,
	openSync,
	readSync,
	renameSync,
	statfsSync,
	statSync,
	truncateSync,
} from "node:fs";
import { arch } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { DefaultDeserializer, serialize } from "node:v8";
import { open } from "lmdb";
import { type DomainRecord, EdgeError } from "../operators/types.js";
import type { Store } from "./store.js";

export interface StoreOptions {
	readonly directory: string;
	/** For looking only: nothing is made, nothing can be written. */
	readonly readOnly?: boolean;
	/** Told in one sentence about a record, or a whole file, that could not be read. */
	readonly onWarning?: (message: string) => void;
	/** Bytes on disk beyond which nothing new is stored; what is there can still be replaced. */
	readonly sizeLimit?: number;
}

/** Room for about ten thousand domains of a model with 9,600 adaptable parameters. */
const SIZE_LIMIT = 2 ** 30;

// ---------------------------------------------------------------- records

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

const anything = (_value: unknown): _value is unknown => true;

function isDomain(value: unknown): value is DomainRecord {
	const record = value as Partial<DomainRecord> | null;
	return (
		typeof record?.id === "string" &&
		[record.vector, record.alignment, record.stemMean, record.stemVariance].every((v) => v instanceof Float32Array)
	);
}

// ---------------------------------------------------------------- file

/**
 * What the first two pages of an LMDB data file of `size` bytes tell: whether it can be opened, and how long it should be.
 * LMDB maps the file without a look at it; one that is foreign or too short would end the process with a signal.
 */
export function inspect(head: Buffer, size: number): { readonly usable: boolean; readonly length: number } {
	const unusable = { usable: false, length: size };
	if (head.length < 4096 + 168) return unusable;
	const pageSize = head.readUInt32LE(48);
	if (pageSize < 4096 || pageSize > 65_536 || head.length < pageSize + 168) return unusable;
	let length = size;
	for (const meta of [head, head.subarray(pageSize)]) {
		// Magic number and version; the roots of both trees; the last page.
		if (meta.readUInt32LE(24) !== 0xbeefc0de || (meta.readUInt32LE(28) & 0xffff) !== 2) return unusable;
		const roots = [meta.readBigUInt64LE(88), meta.readBigUInt64LE(136)].filter((root) => root !== NO_PAGE);
		if (roots.some((root) => (Number(root) + 1) * pageSize > size)) return unusable;
		length = Math.max(length, (Number(meta.readBigUInt64LE(144)) + 1) * pageSize);
	}
	return { usable: true, length };
}

const NO_PAGE = 2n ** 64n - 1n;

/** Makes the data file one that LMDB can open: a damaged one is set aside, a short one gets its length back. */
function mend(file: string, onWarning: (message: string) => void): void {
	if (!existsSync(file) || !["x64", "arm64"].includes(arch())) return;
	const { usable, length, size } = look(file);
	if (!usable) {
		const aside = `${file}.damaged`;
		renameSync(file, aside);
		onWarning(`${file} is no LMDB file or badly damaged: it was renamed to ${aside}, and the store starts empty`);
	} else if (length > size) {
		// The lost part reads as zeros, which fail their checksums one by one.
		truncateSync(file, length);
		onWarning(`${file} was cut short by ${length - size} bytes: some of what was learnt is lost`);
	}
}

function look(file: string) {
	const { size } = statSync(file);
	const head = Buffer.alloc(2 * 65_536);
	const descriptor = openSync(file, "r");
	const read = readSync(descriptor, head, 0, head.length, 0);
	closeSync(descriptor);
	return { size, ...inspect(head.subarray(0, read), size) };
}

/** Makes a directory where the first parent that exists may be written to; elsewhere Node.js may try for ever (/proc). */
function makeDirectory(directory: string): void {
	if (!existsSync(directory)) {
		let parent = dirname(directory);
		while (!existsSync(parent)) parent = dirname(parent);
		accessSync(parent, constants.W_OK);
		if (statfsSync(parent).blocks === 0) throw new EdgeError("bank", `${parent} is no place for files`);
		mkdirSync(directory, { recursive: true });
	}
	accessSync(directory, constants.W_OK);
}

/** Refuses what LMDB would refuse in its own words, or with a signal. */
function prepare({ directory, readOnly = false, onWarning = () => {} }: StoreOptions): void {
	const file = join(directory, "data.mdb");
	if (existsSync(directory) && !statSync(directory).isDirectory()) {
		throw new EdgeError("bank", `${directory} is a file; the store needs a directory`);
	}
	if (readOnly) {
		if (!existsSync(file))
			throw new EdgeError("bank", `${directory} holds no store: nothing has been learnt there yet`);
		const { usable, length, size } = look(file);
		if (!usable || length > size)
			throw new EdgeError("bank", `${file} is damaged; \`acclimate run\` mends what it can`);
		return;
	}
	makeDirectory(directory);
	mend(file, onWarning);
}

// ---------------------------------------------------------------- store

/**
 * Opens the store in a directory, which is made where there is none.
 * @throws {EdgeError} `bank` when it cannot be a store, cannot be written, or (`readOnly`) there is none
 */
export function openStore(options: StoreOptions): Store {
	const directory = resolve(options.directory);
	const { readOnly = false, sizeLimit = SIZE_LIMIT, onWarning = () => {} } = options;
	const fault = (cause: unknown) =>
		cause instanceof EdgeError ? cause : new EdgeError("bank", `${directory}: ${reason(cause)}`, { cause });
	let database: ReturnType<typeof open<Buffer, Key>>;
	try {
		prepare({ ...options, directory });
		database = open<Buffer, Key>({
			path: directory,
			noSubdir: false, // lmdb takes a path with a dot in its name for that of a file
			readOnly,
			encoding: "binary",
			// A put resolves when it is on the disk, not when other readers would see it.
			overlappingSync: false,
			// A failed batch rejects a promise of lmdb's that nobody holds, which would end the process.
			eventTurnBatching: false,
		});
	} catch (cause) {
		throw fault(cause);
	}

	let closing: Promise<void> | undefined;
	const writing = new Set<Promise<unknown>>();

	const usable = () => {
		if (closing) throw new EdgeError("bank", `${directory}: the store has been closed`);
	};

	const write = async (operation: () => Promise<unknown>) => {
		usable();
		if (readOnly) throw new EdgeError("bank", `${directory} was opened for looking only`);
		const under = operation();
		writing.add(under);
		try {
			await under;
		} catch (cause) {
			throw fault(await underlying(cause));
		} finally {
			writing.delete(under);
		}
	};

	const put = (key: Key, value: Buffer) => {
		const size = statSync(join(directory, "data.mdb")).size;
		if (size + value.length > sizeLimit && !database.doesExist(key)) {
			throw new EdgeError("bank", `${directory} is full: it holds ${Math.round(size / 2 ** 20)} MiB`);
		}
		return database.put(key, value);
	};

	const read = <T>(what: string, record: Buffer, is: (value: unknown) => value is T) => {
		const decoded = decode(record);
		const problem = "problem" in decoded ? decoded.problem : is(decoded.value) ? undefined : "it is something else";
		if (problem === undefined) return decoded as { value: T; sequence: number };
		onWarning(`${directory}: ${what} is skipped: ${problem}`);
		return undefined;
	};

	return {
		bank(bundle, camera) {
			const state: Key = [bundle, camera, "state"];
			const all = () => {
				usable();
				// "domain" and "domain~" lie around every key that starts with "domain".
				const entries = database.getRange({ start: [bundle, camera, "domain"], end: [bundle, camera, "domain~"] });
				return [...entries].flatMap(
					({ key, value }) => read(`domain ${key[3]} of camera ${camera}`, value, isDomain) ?? [],
				);
			};
			let sequences: Map<string, number> | undefined;
			/** A record keeps its place when it is replaced; a new one comes last. */
			const sequenceOf = (id: string) => {
				sequences ??= new Map(all().map(({ value, sequence }) => [value.id, sequence]));
				const sequence = sequences.get(id) ?? 1 + Math.max(0, ...sequences.values());
				sequences.set(id, sequence);
				return sequence;
			};
			return {
				async domains() {
					return all()
						.sort((a, b) => a.sequence - b.sequence)
						.map(({ value }) => value);
				},
				put: (record) =>
					write(async () => put([bundle, camera, "domain", record.id], encode(record, sequenceOf(record.id)))),
				remove: (id) =>
					write(async () => {
						sequences?.delete(id);
						await database.remove([bundle, camera, "domain", id]);
					}),
				checkpoint: (value) => write(async () => put(state, encode(value, 0))),
				async restore() {
					usable();
					const record = database.get(state);
					return record && read(`the state of camera ${camera}`, record, anything)?.value;
				},
				async close() {},
			};
		},
		list() {
			usable();
			const banks = new Map<string, { bundle: string; camera: string; domains: number }>();
			for (const [bundle, camera, kind] of database.getKeys()) {
				if (kind !== "domain") continue;
				const name = JSON.stringify([bundle, camera]);
				const bank = banks.get(name) ?? { bundle, camera, domains: 0 };
				bank.domains++;
				banks.set(name, bank);
			}
			return [...banks.values()];
		},
		close() {
			closing ??= Promise.allSettled(writing).then(() => database.close());
			return closing;
		},
	};
}

/** Bundle, camera, then `state` or `domain` and its id. */
type Key = string[];

/** lmdb says why a commit failed in a second promise, which must be listened to: unheard, it would end the process. */
async function underlying(cause: unknown): Promise<unknown> {
	const why = (cause as { commitError?: Promise<never> }).commitError;
	if (why === undefined) return cause;
	const { message } = await Promise.race([why.catch((error: Error) => error), turn(cause as Error)]);
	return new Error(`it could not be written (${message}); is the disk full?`, { cause });
}

function reason(cause: unknown): string {
	const { code, message } = cause as NodeJS.ErrnoException;
	if (code === "EACCES" || code === "EPERM") return "permission denied";
	if (code === "EROFS") return "the file system is read-only";
	return message;
}
