import { chmodSync } from "node:fs";
import { resolve } from "node:path";
import { EdgeError } from "../operators/types.js";
import { checkRoom, openDatabase } from "./database.js";
import { decode, encode } from "./record.js";
import { openWrites } from "./writes.js";

/** What is written down of one camera: chapters, each a head and what follows it, in order. */
export interface Journal {
	/** Whether the chapter is so long that another should begin: only whole chapters make room. */
	readonly isFull: boolean;
	/**
	 * Begins a chapter. Values are structured-clonable.
	 * @throws {EdgeError} `bank` when the disk is full, or the head takes more than the journal's share of it
	 */
	begin(head: unknown): Promise<void>;
	/** @throws {EdgeError} `bank` when the disk is full */
	add(entry: unknown): Promise<void>;
}

/** The journals of one device. */
export interface Journals {
	/** @param limit bytes beyond which the oldest chapters go */
	of(camera: string, limit: number): Journal;
	/** Cameras that have one. */
	cameras(): readonly string[];
	/** The numbers of a camera's chapters, the oldest first. */
	chapters(camera: string): readonly number[];
	/**
	 * A chapter's head, then what follows it.
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
type Key = [camera: string, chapter: number, place: number, bytes: number];

/** Chapters that a journal is made of when it has reached its limit. */
const CHAPTERS = 4;

/**
 * Opens the journals in a directory, which is made where there is none.
 * @throws {EdgeError} `bank` when it cannot hold them, cannot be written, or (`readOnly`) there are none
 */
export function openJournals({ readOnly = false, ...options }: JournalsOptions): Journals {
	const directory = resolve(options.directory);
	const database = openDatabase<Key>({ ...options, directory, readOnly, durability: "process" });
	// Pictures are nobody else's.
	if (!readOnly) chmodSync(directory, 0o700);
	const writes = openWrites(directory);
	let closing: Promise<void> | undefined;

	const keys = (camera: string, from = 0, to = Number.MAX_SAFE_INTEGER): Key[] => [
		...database.getKeys({ start: [camera, from] as unknown as Key, end: [camera, to] as unknown as Key }),
	];

	return {
		of(camera, limit) {
			const sizes = new Map<number, number>();
			for (const [, chapter, , bytes] of keys(camera)) sizes.set(chapter, (sizes.get(chapter) ?? 0) + bytes);
			let chapter = Math.max(0, ...sizes.keys());
			let place = 0;
			const total = () => [...sizes.values()].reduce((sum, size) => sum + size, 0);
			const makeRoom = async () => {
				for (const oldest of [...sizes.keys()].sort((a, b) => a - b)) {
					if (oldest === chapter || total() <= limit) return;
					await Promise.all(keys(camera, oldest, oldest + 1).map((key) => database.remove(key)));
					sizes.delete(oldest);
				}
			};
			const put = (value: unknown) =>
				writes.write(async () => {
					if (closing) throw new EdgeError("bank", `${directory}: the journal has been closed`);
					const record = encode(value, place);
					const bytes = (sizes.get(chapter) ?? 0) + record.length;
					if (place === 0 && bytes > limit / CHAPTERS)
						throw new EdgeError(
							"bank",
							`the journal of ${camera} has no room: a chapter's beginning takes ${record.length} bytes, which is more than a quarter of ${limit}`,
						);
					checkRoom(directory);
					sizes.set(chapter, bytes);
					await makeRoom();
					await database.put([camera, chapter, place++, record.length], record);
				});
			return {
				get isFull() {
					return (sizes.get(chapter) ?? 0) > limit / CHAPTERS;
				},
				begin(head) {
					chapter++;
					place = 0;
					return put(head);
				},
				add: put,
			};
		},
		cameras: () => [...new Set([...database.getKeys()].map(([camera]) => camera))],
		chapters: (camera) => [...new Set(keys(camera).map(([, chapter]) => chapter))],
		*read(camera, chapter) {
			for (const key of keys(camera, chapter, chapter + 1)) {
				const record = database.get(key);
				const what = `${directory}: entry ${key[2]} of chapter ${chapter} of ${camera}`;
				if (!record) throw new EdgeError("bank", `${what} has made room for a newer one meanwhile`);
				const decoded = decode(record);
				if ("problem" in decoded) throw new EdgeError("bank", `${what} cannot be read: ${decoded.problem}`);
				yield decoded.value;
			}
		},
		close() {
			closing ??= writes.settled().then(() => database.close());
			return closing;
		},
	};
}
