import {
	accessSync,
	chmodSync,
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
import { rm, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type Key, open, type RootDatabase } from "lmdb";
import { EdgeError } from "../operators/types.js";
import { claim } from "./claim.js";

export interface DatabaseOptions {
	readonly directory: string;
	/** For looking only: nothing is made, nothing can be written. */
	readonly readOnly?: boolean;
	/** When a write resolves: once it is on the disk, or once it outlives the process, the disk following soon. */
	readonly durability: "disk" | "process";
	/** Whether no other process may have it open in the same way; whoever closes it releases the directory (claim.ts). */
	readonly exclusive?: boolean;
	/** Who may enter the directory; as the file system has it where absent. */
	readonly mode?: number;
	/** Told in one sentence when the file had to be mended or set aside. */
	readonly onWarning?: (message: string) => void;
}

/**
 * Opens the LMDB database in a directory, which is made where there is none; a damaged file is mended or set aside.
 * @throws {EdgeError} `bank` when the directory cannot hold one, another process has it, or (`readOnly`) there is none
 */
export function openDatabase<K extends Key>(options: DatabaseOptions): RootDatabase<Buffer, K> {
	const { directory, readOnly = false, durability } = options;
	try {
		prepare(options);
		return open<Buffer, K>({
			path: directory,
			noSubdir: false, // lmdb takes a path with a dot in its name for that of a file
			readOnly,
			encoding: "binary",
			overlappingSync: durability === "process",
			// A failed batch rejects a promise of lmdb's that nobody holds, which would end the process.
			eventTurnBatching: false,
		});
	} catch (cause) {
		throw fault(directory, cause);
	}
}

/** Whatever a database's file or a write to it ended with, as one sentence. */
export function fault(directory: string, cause: unknown): EdgeError {
	return cause instanceof EdgeError ? cause : new EdgeError("bank", `${directory}: ${reason(cause)}`, { cause });
}

/** lmdb says why a commit failed in a second promise, which must be listened to: unheard, it would end the process. */
export async function underlying(cause: unknown): Promise<unknown> {
	const why = (cause as { commitError?: Promise<never> }).commitError;
	if (why === undefined) return cause;
	const { message } = await Promise.race([why.catch((error: Error) => error), turn(cause as Error)]);
	const [short] = message.split(": Attempting"); // lmdb goes on with its buffers' sizes
	return unwritable(short, cause);
}

/** Bytes of a disk that are left to others: more than a commit takes. */
const RESERVE = 2 ** 20;
/** About what a commit writes. */
const PROBE = Buffer.alloc(64 * 1024);

const unwritable = (why: string | undefined, cause?: unknown) =>
	new Error(`it could not be written (${why}); is the disk full?`, { cause });

/**
 * To be asked before a write: lmdb takes a commit that fails badly. It prints lines of its own, and where even what is
 * there cannot be written over, it may end the process.
 * @param reserve bytes that are to be left
 * @throws {Error} when the disk is full
 */
export function checkRoom(directory: string, reserve = RESERVE): void {
	const { bavail, bsize } = statfsSync(directory);
	if (bavail * bsize < reserve) throw unwritable(`${Math.round((bavail * bsize) / 1024)} KiB are free`);
}

/**
 * To be asked after a write has failed and before the next: tries the disk with a small file.
 * @throws {Error} when it still takes nothing
 */
export async function probe(directory: string): Promise<void> {
	const file = join(directory, "probe");
	try {
		await writeFile(file, PROBE, { flush: true });
	} catch (cause) {
		throw unwritable((cause as NodeJS.ErrnoException).code, cause);
	} finally {
		await rm(file, { force: true });
	}
}

function reason(cause: unknown): string {
	const { code, message } = cause as NodeJS.ErrnoException;
	if (code === "EACCES" || code === "EPERM") return "permission denied";
	if (code === "EROFS") return "the file system is read-only";
	return message;
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
		onWarning(`${file} was cut short by ${length - size} bytes: some of what it held is lost`);
	}
}

function look(file: string) {
	const head = Buffer.alloc(2 * 65_536);
	const descriptor = openSync(file, "r");
	const read = readSync(descriptor, head, 0, head.length, 0);
	closeSync(descriptor);
	// Taken last: a process that has the file open may have made it longer.
	const { size } = statSync(file);
	return { size, ...inspect(head.subarray(0, read), size) };
}

/** Makes a directory where the first parent that exists may be written to; elsewhere Node.js may try for ever (/proc). */
function makeDirectory(directory: string, mode: number | undefined): void {
	if (!existsSync(directory)) {
		let parent = dirname(directory);
		while (!existsSync(parent)) parent = dirname(parent);
		accessSync(parent, constants.W_OK);
		if (statfsSync(parent).blocks === 0) throw new EdgeError("bank", `${parent} is no place for files`);
		mkdirSync(directory, { recursive: true, ...(mode !== undefined && { mode }) });
	}
	accessSync(directory, constants.W_OK);
	if (mode !== undefined) chmodSync(directory, mode);
}

/** Refuses what LMDB would refuse in its own words, or with a signal. */
function prepare({ directory, readOnly = false, exclusive, mode, onWarning = () => {} }: DatabaseOptions): void {
	const file = join(directory, "data.mdb");
	if (existsSync(directory) && !statSync(directory).isDirectory()) {
		throw new EdgeError("bank", `${directory} is a file; the store needs a directory`);
	}
	if (readOnly) {
		if (existsSync(directory)) accessSync(directory, constants.R_OK | constants.X_OK);
		if (!existsSync(file))
			throw new EdgeError("bank", `${directory} holds no store: nothing has been learnt there yet`);
		const { usable, length, size } = look(file);
		if (!usable || length > size)
			throw new EdgeError("bank", `${file} is damaged; \`acclimate run\` mends what it can`);
		return;
	}
	makeDirectory(directory, mode);
	// What another process has open is not to be mended.
	if (exclusive) claim(directory);
	mend(file, onWarning);
}
