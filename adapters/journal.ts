import { resolve } from "node:path";
import type { Key } from "lmdb";
import { EdgeError } from "../operators/types.js";
import { release } from "./claim.js";
import { checkRoom, openDatabase, underlying } from "./database.js";
import { decode, encode } from "./record.js";
import { openWrites } from "./writes.js";

/** What is written down of one camera: chapters, each a head and entries that follow it, in order. */
export interface Journal {
	/** Whether the chapter is so long that another should begin: only whole chapters make room. */
	readonly isFull: boolean;
	/**
	 * Begins a chapter. Values are structured-clonable.
	 * @throws {EdgeError} `bank` when the disk is nearly full, or the limit is too little for such heads
	 */
	begin(head: unknown): Promise<void>;
	/** @throws {EdgeError} `bank` when the disk is nearly full */
	add(entry: unknown): Promise<void>;
}

/** The journals of one device. */
export interface Journals {
	/** @param limit bytes on disk beyond which the oldest chapters go */
	of(camera: string, limit: number): Journal;
	/** Cameras that have one. */
	cameras(): readonly string[];
	/** The numbers of a camera's chapters, the oldest first. */
	chapters(camera: string): readonly number[];
	/**
	 * A chapter's head, then its entries. Ends early where it has made room for newer ones meanwhile.
	 * @throws {EdgeError} `bank` at what cannot be read
	 */
	read(camera: string, chapter: number): Iterable<unknown>;
	/** Waits for what is being written. Safe to call twice. */
	close(): Promise<void>;
}

export interface JournalsOptions {
	readonly directory: string;
	/** For looking only: nothing is made, nothing can be written. */
	readonly readOnly?: boolean;
	/** Told in one sentence about a file that had to be mended or set aside. */
	readonly onWarning?: (message: string) => void;
}

/** Camera, chapter, place in it (the head's is 0), bytes: so that sizes are known without reading what they are of. */
type EntryKey = [camera: string, chapter: number, place: number, bytes: number];

/** Chapters that a journal is made of when it has reached its limit. */
const CHAPTERS = 4;

/** Share of the limit that a head may take. */
const LARGEST_HEAD = 1 / 16;

/** Bytes of a disk that are left to what matters more: domains, checkpoints, messages. */
const RESERVE = 64 * 2 ** 20;

/** Entries that are removed at a time, since that keeps all cameras waiting. */
const SLICE = 500;

/** Of LMDB, each of which belongs to one large value. */
const PAGE = 4096;

/** Of several writes that fail together each one's own reason must be heard, see `underlying`. */
const told = async (cause: unknown): Promise<never> => {
	throw await underlying(cause);
};

const onDisk = (bytes: number) => Math.ceil((bytes + 16) / PAGE) * PAGE;

/**
 * Opens the journals in a directory, which is made where there is none, for the owner alone.
 * @throws {EdgeError} `bank` when it cannot hold them, cannot be written, another process has it, or (`readOnly`) there are none
 */
export function openJournals({ readOnly = false, ...options }: JournalsOptions): Journals {
	const directory = resolve(options.directory);
	const database = openDatabase<EntryKey>({
		...{ ...options, directory, readOnly },
		...{ durability: "process", exclusive: !readOnly, mode: 0o700 },
	});
	const writes = openWrites(directory);
	let closing: Promise<void> | undefined;

	/** Keys of a camera from one chapter to before another. */
	const keys = (camera: string, from = 0, to = Number.MAX_SAFE_INTEGER): Iterable<EntryKey> => {
		const range: { start: Key; end: Key } = { start: [camera, from], end: [camera, to] };
		return database.getKeys(range as { start: EntryKey; end: EntryKey });
	};
	/** From the last entry to the head: what is left of it, if anything is, is the beginning of a chapter. */
	const remove = async (camera: string, chapter: number) => {
		const doomed = [...keys(camera, chapter, chapter + 1)].reverse();
		for (let i = 0; i < doomed.length; i += SLICE)
			await Promise.all(doomed.slice(i, i + SLICE).map((key) => database.remove(key).catch(told)));
	};

	return {
		of(camera, limit) {
			/** Bytes of each chapter. */
			const sizes = new Map<number, number>();
			for (const [, chapter, , bytes] of keys(camera)) sizes.set(chapter, (sizes.get(chapter) ?? 0) + onDisk(bytes));
			let chapter = Math.max(0, ...sizes.keys());
			let place = 0;
			const makeRoom = async (more: number) => {
				for (const oldest of [...sizes.keys()].sort((a, b) => a - b)) {
					const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
					if (oldest === chapter || total + more <= limit) return;
					await remove(camera, oldest);
					sizes.delete(oldest);
				}
			};
			const put = (record: Buffer) =>
				writes.write(async () => {
					if (closing) throw new EdgeError("bank", `${directory}: the journal has been closed`);
					checkRoom(directory, RESERVE + 2 * record.length);
					await makeRoom(onDisk(record.length));
					await database.put([camera, chapter, place++, record.length], record);
					sizes.set(chapter, (sizes.get(chapter) ?? 0) + onDisk(record.length));
				});
			return {
				get isFull() {
					return (sizes.get(chapter) ?? 0) > limit / CHAPTERS;
				},
				async begin(head) {
					const record = encode(head, 0);
					if (record.length > limit * LARGEST_HEAD)
						throw new EdgeError(
							"bank",
							`${directory}: the journal of ${camera} needs ${megabytes(record.length / LARGEST_HEAD)} at least with what is known now, and may have ${megabytes(limit)}`,
						);
					chapter++;
					place = 0;
					await put(record);
				},
				add: (entry) => put(encode(entry, place)),
			};
		},
		cameras: () => [...new Set([...database.getKeys()].map(([camera]) => camera))],
		chapters: (camera) => [...new Set([...keys(camera)].map(([, chapter]) => chapter))],
		*read(camera, chapter) {
			const found = [...keys(camera, chapter, chapter + 1)];
			for (const [i, key] of found.entries()) {
				const record = database.get(key);
				if (!record) return;
				const decoded = key[2] === i ? decode(record) : { problem: `entry ${i} is missing` };
				if ("problem" in decoded)
					throw new EdgeError(
						"bank",
						`${directory}: entry ${key[2]} of chapter ${chapter} of ${camera} cannot be read: ${decoded.problem}`,
					);
				yield decoded.value;
			}
		},
		close() {
			closing ??= writes.settled().then(async () => {
				await database.close();
				if (!readOnly) release(directory);
			});
			return closing;
		},
	};
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)}MB`;
