import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase, underlying } from "./database.js";
import { decode, encode } from "./record.js";

/** A message on its way: appended, and not yet acknowledged. */
export interface Letter {
	/** Grows from letter to letter. */
	readonly id: number;
	readonly topic: string;
	/** Counts the topic's letters from 0, over all runs. */
	readonly seq: number;
	readonly payload: string;
	readonly retain: boolean;
	/** Milliseconds since the epoch when it was appended. */
	readonly at: number;
}

/** Letters of one topic, in a row, that nobody will get. */
export interface Lost {
	readonly topic: string;
	/** Their `seq`, first and last. */
	readonly from: number;
	readonly to: number;
	/** Which limit they fell to; `disk`: they could not be stored, and memory is for no more than a few. */
	readonly reason: "size" | "age" | "disk";
}

export interface OutboxOptions {
	readonly directory: string;
	/** Bytes of letters beyond which the oldest go. */
	readonly size: number;
	/** Milliseconds after which a letter is not worth sending any more. */
	readonly age: number;
	/** How losses are told: in a letter that takes the lost ones' place. */
	readonly announce: {
		/** Under which topic those of a topic are. */
		topic(of: string): string;
		/** In which words; `seq` is that of the letter itself. */
		payload(lost: readonly Lost[], seq: number): string;
	};
	/** Told in one sentence what could not be read or written. */
	readonly onWarning?: (message: string) => void;
}

/** Letters in the order they were written, kept on disk until somebody has acknowledged them. */
export interface Outbox {
	/** Letters not yet acknowledged. */
	readonly waiting: number;
	/** What they take on disk, without LMDB's own. */
	readonly bytes: number;
	/** Whether so many are not stored yet that whoever appends had better wait for a commit. */
	readonly busy: boolean;
	/** Letters lost since the outbox was opened. */
	readonly lost: number;
	/** The `seq` that the topic's next letter will have. */
	next(topic: string): number;
	/** Puts a letter at the end; from `stored` on it outlives the process. */
	append(topic: string, payload: string, retain: boolean): void;
	/** Resolves when all that was appended before is stored, or waits in memory because it cannot be. */
	stored(): Promise<void>;
	/** Tells from now on of every commit. */
	onStored(listener: () => void): void;
	/** The next letters, each once until `rewind`. None that is not stored, unless nothing can be. */
	take(limit: number): readonly Letter[];
	/** Begins again with the oldest. */
	rewind(): void;
	/** An acknowledged letter goes. After the process was killed, some that had gone lately may be there again. */
	remove(letter: Letter): void;
	/** Stores what is still in memory. Safe to call twice. */
	close(): Promise<void>;
}

/** Milliseconds between two commits, at least: what comes in between shares one. */
const GROUP = 25;
/** The same while the disk takes nothing: lmdb prints a few lines about each commit that fails. */
const FAILING_GROUP = 500;
/** Milliseconds that a removal may wait for a commit. */
const LAZY = 1_000;
/** Letters that wait in memory, when the disk is slow and when it takes none. */
const IN_MEMORY = 1_000;
/** Milliseconds between two looks at what has become too old. */
const AGEING = 1_000;

/** "letter" and "letter~" lie around every key that starts with "letter". */
type Key = ["letter" | "letter~"] | ["letter", id: number] | ["next", topic: string];
/** Losses and one more, which makes a range longer where it can. */
const extended = (lost: readonly Lost[], more: Lost): readonly Lost[] => {
	const grows = ({ topic, to, reason }: Lost) => topic === more.topic && reason === more.reason && to + 1 === more.from;
	const index = lost.findIndex(grows);
	return index < 0 ? [...lost, more] : lost.with(index, { ...lost[index], to: more.to });
};

type Stored = Omit<Letter, "id" | "seq">;

const isStored = (value: unknown): value is Stored => typeof (value as Stored | null)?.payload === "string";

/**
 * Opens the outbox in a directory, which is made where there is none.
 *
 * Letters are stored in groups, so a frame costs a small part of a commit and waits for none. A commit outlives the
 * process at once and a power cut as soon as the disk has followed, which LMDB asks it to do without being waited for.
 * @throws {EdgeError} `bank` when the directory cannot hold one
 */
export function openOutbox({ size, age, announce, onWarning = () => {}, ...options }: OutboxOptions): Outbox {
	const directory = resolve(options.directory);
	const database = openDatabase<Key>({ directory, durability: "process", onWarning });

	/** Not on disk yet; those of the commit under way are still among them. */
	let committing: ReadonlyMap<number, Buffer> = new Map();
	const staged = new Map<number, Buffer>();
	/** Still on disk, though gone. */
	const removed = new Set<number>();
	/** Each topic's next `seq`, and those that changed since the last commit. */
	const counters = new Map<string, number>();
	const changed = new Set<string>();
	/** The letters that tell of losses and have not been taken, by topic. */
	const gaps = new Map<string, Pick<Letter, "id" | "seq"> & { readonly lost: readonly Lost[] }>();
	let bytes = 0;
	let waiting = 0;
	let lost = 0;
	let lastId = 0;
	/** Letters up to here have been taken; letters up to there have been dropped. */
	let taken = 0;
	let dropped = 0;
	let looked = 0;
	let failing = false;
	let closing: Promise<void> | undefined;

	for (const { key, value } of database.getRange({ start: ["letter"], end: ["letter~"] })) {
		bytes += value.length;
		waiting++;
		lastId = key[1] as number;
	}

	const next = (topic: string): number => {
		const known = counters.get(topic);
		if (known !== undefined) return known;
		const record = closing ? undefined : database.get(["next", topic]);
		const decoded = record && decode(record);
		if (decoded && "problem" in decoded)
			onWarning(`${directory}: the count of ${topic} begins anew, because ${decoded.problem}`);
		const value = decoded && "value" in decoded ? Number(decoded.value) : 0;
		counters.set(topic, value);
		return value;
	};

	const write = (letter: Letter) => {
		const { id, seq, ...rest } = letter;
		const record = encode(rest satisfies Stored, seq);
		staged.set(id, record);
		removed.delete(id);
		bytes += record.length;
		waiting++;
	};

	const erase = (id: number) => {
		const record = staged.get(id) ?? database.get(["letter", id]);
		if (record === undefined || removed.has(id)) return;
		bytes -= record.length;
		waiting--;
		if (!staged.delete(id) || committing.has(id) || database.doesExist(["letter", id])) removed.add(id);
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
		lost++;
		erase(id);
		return undefined;
	};

	/** Letters behind an id, oldest first. Those not yet stored come only where `unstored` says so. */
	const after = (id: number, limit: number, unstored: boolean): Letter[] => {
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
			if (!removed.has(at) && !staged.has(at)) add(at, value);
		}
		if (unstored) for (const [at, record] of fresh) add(at, record);
		return letters.sort((a, b) => a.id - b.id).slice(0, limit);
	};

	/** Takes the topic's next `seq`. */
	const count = (topic: string): number => {
		const seq = next(topic);
		counters.set(topic, seq + 1);
		changed.add(topic);
		return seq;
	};

	/** Counts a letter as lost and lets another tell of it: the last one that did, moved to `id`, where it may still grow. */
	const lose = (topic: string, seq: number, reason: Lost["reason"], id: number) => {
		lost++;
		const under = announce.topic(topic);
		const grows = gaps.get(under);
		if (grows) erase(grows.id);
		const gap = {
			id: Math.max(id, grows?.id ?? 0),
			seq: grows?.seq ?? count(under),
			lost: extended(grows?.lost ?? [], { topic, from: seq, to: seq, reason }),
		};
		gaps.set(under, gap);
		const payload = announce.payload(gap.lost, gap.seq);
		write({ id: gap.id, seq: gap.seq, topic: under, payload, retain: false, at: Date.now() });
	};

	/** Drops the oldest letter that has not been taken. */
	const drop = ({ id, topic, seq }: Letter, reason: Lost["reason"]) => {
		erase(id);
		dropped = id;
		lose(topic, seq, reason, id);
	};

	const oldest = () => after(Math.max(taken, dropped), 1, true)[0];

	const enforce = () => {
		for (let letter = bytes > size && oldest(); letter; letter = bytes > size && oldest()) drop(letter, "size");
		const now = Date.now();
		if (now - looked < AGEING) return;
		looked = now;
		for (let letter = oldest(); letter && letter.at < now - age; letter = oldest()) drop(letter, "age");
	};

	const commit = async () => {
		const puts = new Map(staged);
		const gone = [...removed];
		const topics = [...changed];
		changed.clear();
		committing = puts;
		try {
			await database.batch(() => {
				for (const [id, record] of puts) void database.put(["letter", id], record);
				for (const id of gone) void database.remove(["letter", id]);
				for (const topic of topics) void database.put(["next", topic], encode(next(topic), 0));
			});
		} catch (cause) {
			for (const topic of topics) changed.add(topic);
			const { message } = (await underlying(cause)) as Error;
			if (!failing) onWarning(`${directory}: ${message}; messages wait in memory, ${IN_MEMORY} at most`);
			failing = true;
			return;
		} finally {
			committing = new Map();
		}
		if (failing) onWarning(`${directory}: messages are stored again`);
		failing = false;
		for (const [id, record] of puts) if (staged.get(id) === record) staged.delete(id);
		for (const id of gone) removed.delete(id);
	};

	let running = Promise.resolve();
	let planned: Promise<void> | undefined;
	let committed = 0;
	let lazy: NodeJS.Timeout | undefined;
	let onCommit = () => {};
	/** The next commit, of all that is appended until it begins. */
	const flush = (): Promise<void> => {
		planned ??= (async () => {
			await running;
			const pause = failing ? FAILING_GROUP : GROUP;
			if (!closing) await sleep(Math.max(0, committed + pause - performance.now()));
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

	const finish = async () => {
		if (staged.size + removed.size > 0) await flush();
		await running;
		lost += staged.size;
		await database.close();
	};

	return {
		get waiting() {
			return waiting;
		},
		get bytes() {
			return bytes;
		},
		get busy() {
			return staged.size >= IN_MEMORY && !failing;
		},
		get lost() {
			return lost;
		},
		next,
		append(topic, payload, retain) {
			if (closing) return;
			const id = ++lastId;
			const seq = count(topic);
			if (failing && staged.size >= IN_MEMORY) lose(topic, seq, "disk", id);
			else write({ id, topic, seq, payload, retain, at: Date.now() });
			enforce();
			void flush();
		},
		onStored(listener) {
			onCommit = listener;
		},
		stored: () => (failing ? Promise.resolve() : (planned ?? running)).then(() => {}),
		take(limit) {
			if (closing) return [];
			enforce();
			const letters = after(taken, limit, failing);
			taken = letters.at(-1)?.id ?? taken;
			// Somebody may read it from now on: it grows no more.
			for (const { topic, id } of letters) if (gaps.get(topic)?.id === id) gaps.delete(topic);
			return letters;
		},
		rewind() {
			taken = 0;
		},
		remove({ id }) {
			if (closing) return;
			erase(id);
			if (removed.size < IN_MEMORY) lazy ??= setTimeout(() => void flush(), LAZY).unref();
			else void flush();
		},
		close() {
			closing ??= finish();
			return closing;
		},
	};
}
