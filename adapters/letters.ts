import { setTimeout as sleep } from "node:timers/promises";
import { release } from "./claim.js";
import { checkRoom, openDatabase, probe, underlying } from "./database.js";
import { decode, encode } from "./record.js";

/** A message on its way: written, and not yet acknowledged. */
export interface Letter {
	/** Grows from letter to letter. */
	readonly id: number;
	readonly topic: string;
	/** Counts the topic's letters from 0, over all runs. */
	readonly seq: number;
	readonly payload: string;
	readonly retain: boolean;
	/** Milliseconds since the epoch when it was written. */
	readonly at: number;
}

/**
 * Letters on disk, written in groups: what comes while a commit is under way or was a moment ago shares the next one. A
 * commit outlives the process at once and a power cut as soon as the disk has followed, which LMDB asks it to do without
 * being waited for. While the disk takes nothing they stay in memory.
 */
export interface Letters {
	readonly waiting: number;
	/** What they take on disk, without LMDB's own. */
	readonly bytes: number;
	/** Letters that are not on disk yet. */
	readonly unstored: number;
	/** Whether the last commit failed. */
	readonly failing: boolean;
	/** Letters that could not be read. */
	readonly damaged: number;
	/** The largest `id` there has been. */
	readonly lastId: number;
	/** The `seq` that the topic's next letter will have. */
	next(topic: string): number;
	/** Takes that `seq`. */
	count(topic: string): number;
	write(letter: Letter): void;
	erase(id: number): void;
	/** Letters behind an `id`, oldest first. Those not yet stored come only where `unstored` says so. */
	after(id: number, limit: number, unstored: boolean): Letter[];
	/** Begins a commit soon, or within a second. Resolves when all that was written before is stored, or cannot be. */
	store(when: "soon" | "lazily"): Promise<void>;
	onStored(listener: () => void): void;
	/** Stores what is still in memory. */
	close(): Promise<void>;
}

/** Milliseconds between two commits, at least. */
const GROUP = 25;
/** The same while the disk takes nothing. */
const FAILING_GROUP = 500;
/** Milliseconds that a lazy commit may take its time. */
const LAZY = 1_000;

/** Erased letters that no lazy commit may make wait. */
const MANY = 1_000;

/** "letter" and "letter~" lie around every key that starts with "letter". */
type Key = ["letter" | "letter~"] | ["letter", id: number] | ["next", topic: string];
type Stored = Omit<Letter, "id" | "seq">;

const isStored = (value: unknown): value is Stored => typeof (value as Stored | null)?.payload === "string";

/** @throws {EdgeError} `bank` when the directory cannot hold a database, or another process writes to it */
export function openLetters(directory: string, onWarning: (message: string) => void): Letters {
	const database = openDatabase<Key>({ directory, durability: "process", exclusive: true, onWarning });
	/** Not on disk yet; those of the commit under way are still among them. */
	const staged = new Map<number, Buffer>();
	let committing: ReadonlyMap<number, Buffer> = new Map();
	/** Still on disk, though erased. */
	const erased = new Set<number>();
	/** Each topic's next `seq`, and those that changed since the last commit. */
	const counters = new Map<string, number>();
	const changed = new Set<string>();
	let bytes = 0;
	let waiting = 0;
	let lastId = 0;
	let damaged = 0;
	let failing = false;
	let closed = false;
	let onCommit = () => {};

	for (const { key, value } of database.getRange({ start: ["letter"], end: ["letter~"] })) {
		bytes += value.length;
		waiting++;
		lastId = key[1] as number;
	}

	const next = (topic: string): number => {
		const known = counters.get(topic);
		if (known !== undefined) return known;
		const record = closed ? undefined : database.get(["next", topic]);
		const decoded = record && decode(record);
		if (decoded && "problem" in decoded)
			onWarning(`${directory}: the count of ${topic} begins anew, because ${decoded.problem}`);
		const value = decoded && "value" in decoded ? Number(decoded.value) : 0;
		counters.set(topic, value);
		return value;
	};

	const erase = (id: number) => {
		const record = staged.get(id) ?? database.get(["letter", id]);
		if (record === undefined || erased.has(id)) return;
		bytes -= record.length;
		waiting--;
		if (!staged.delete(id) || committing.has(id) || database.doesExist(["letter", id])) erased.add(id);
	};

	/** A letter as it was written; one that cannot be read is reported and erased. */
	const read = (id: number, record: Buffer): Letter | undefined => {
		const decoded = decode(record);
		const problem =
			"problem" in decoded ? decoded.problem : isStored(decoded.value) ? undefined : "it is something else";
		if (problem === undefined) {
			const { value, sequence } = decoded as { value: Stored; sequence: number };
			return { id, seq: sequence, ...value };
		}
		onWarning(`${directory}: a message is skipped: ${problem}`);
		damaged++;
		erase(id);
		return undefined;
	};

	const commit = async () => {
		const puts = new Map(staged);
		const gone = [...erased];
		const topics = [...changed];
		changed.clear();
		committing = puts;
		try {
			checkRoom(directory);
			if (failing) await probe(directory);
			await database.batch(() => {
				for (const [id, record] of puts) void database.put(["letter", id], record);
				for (const id of gone) void database.remove(["letter", id]);
				for (const topic of topics) void database.put(["next", topic], encode(next(topic), 0));
			});
		} catch (cause) {
			for (const topic of topics) changed.add(topic);
			const { message } = (await underlying(cause)) as Error;
			if (!failing) onWarning(`${directory}: ${message}; the newest messages wait in memory`);
			failing = true;
			return;
		} finally {
			committing = new Map();
		}
		if (failing) onWarning(`${directory}: messages are stored again`);
		failing = false;
		for (const [id, record] of puts) if (staged.get(id) === record) staged.delete(id);
		for (const id of gone) erased.delete(id);
	};

	let running = Promise.resolve();
	let planned: Promise<void> | undefined;
	let committed = 0;
	let lazy: NodeJS.Timeout | undefined;
	/** The next commit, of all that is written until it begins. */
	const flush = (): Promise<void> => {
		planned ??= (async () => {
			await running;
			const pause = failing ? FAILING_GROUP : GROUP;
			if (!closed) await sleep(Math.max(0, committed + pause - performance.now()));
			planned = undefined;
			clearTimeout(lazy);
			lazy = undefined;
			running = commit();
			await running;
			onCommit();
			committed = performance.now();
		})();
		return planned;
	};

	return {
		get waiting() {
			return waiting;
		},
		get bytes() {
			return bytes;
		},
		get unstored() {
			return staged.size;
		},
		get failing() {
			return failing;
		},
		get damaged() {
			return damaged;
		},
		get lastId() {
			return lastId;
		},
		next,
		count(topic) {
			const seq = next(topic);
			counters.set(topic, seq + 1);
			changed.add(topic);
			return seq;
		},
		write({ id, seq, ...rest }) {
			const record = encode(rest satisfies Stored, seq);
			staged.set(id, record);
			erased.delete(id);
			bytes += record.length;
			waiting++;
			lastId = Math.max(lastId, id);
		},
		erase,
		after(id, limit, unstored) {
			const fresh = [...staged].filter(([key]) => key > id).sort(([a], [b]) => a - b);
			const end = unstored ? Number.POSITIVE_INFINITY : (fresh[0]?.[0] ?? Number.POSITIVE_INFINITY);
			const letters: Letter[] = [];
			const add = (key: number, record: Buffer) => {
				const letter = read(key, record);
				if (letter) letters.push(letter);
			};
			for (const { key, value } of database.getRange({ start: ["letter", id + 1], end: ["letter~"] })) {
				const at = key[1] as number;
				if (letters.length >= limit || at >= end) return letters;
				if (!erased.has(at) && !staged.has(at)) add(at, value);
			}
			if (unstored) for (const [at, record] of fresh) add(at, record);
			return letters.sort((a, b) => a.id - b.id).slice(0, limit);
		},
		store(when) {
			if (staged.size + erased.size + changed.size === 0) return planned ?? running;
			if (when === "soon" || erased.size >= MANY) {
				const stored = flush();
				return failing ? Promise.resolve() : stored;
			}
			lazy ??= setTimeout(() => void flush(), LAZY).unref();
			return Promise.resolve();
		},
		onStored(listener) {
			onCommit = listener;
		},
		async close() {
			closed = true;
			if (staged.size + erased.size > 0) await flush();
			await running;
			await database.close();
			release(directory);
		},
	};
}
