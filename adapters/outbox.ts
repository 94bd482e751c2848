import { resolve } from "node:path";
import { type Letter, openLetters } from "./letters.js";

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
	/** Resolves when all that was appended before is stored, or cannot be. */
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

/** Letters that wait in memory, when the disk is slow and when it takes none. */
const IN_MEMORY = 1_000;
/** Milliseconds between two looks at what has become too old. */
const AGEING = 1_000;

/** Losses and one more, which makes a range longer where it can. */
const extended = (lost: readonly Lost[], more: Lost): readonly Lost[] => {
	const grows = ({ topic, to, reason }: Lost) => topic === more.topic && reason === more.reason && to + 1 === more.from;
	const index = lost.findIndex(grows);
	return index < 0 ? [...lost, more] : lost.with(index, { ...lost[index], to: more.to });
};

/**
 * Opens the outbox in a directory, which is made where there is none.
 * @throws {EdgeError} `bank` when the directory cannot hold one, or another process has it
 */
export function openOutbox({ size, age, announce, onWarning = () => {}, ...options }: OutboxOptions): Outbox {
	const letters = openLetters(resolve(options.directory), onWarning);
	/** The letters that tell of losses and have not been taken, by topic. */
	const gaps = new Map<string, Pick<Letter, "id" | "seq"> & { readonly lost: readonly Lost[] }>();
	let lost = 0;
	/** Letters up to here have been taken; letters up to there have been dropped. */
	let taken = 0;
	let dropped = 0;
	let looked = 0;
	let closing: Promise<void> | undefined;

	// A device without a clock of its own may learn the time after days, together with the network: nothing is old by that.
	const began = Date.now() - performance.now();
	const now = () => Math.round(began + performance.now());

	/** Counts a letter as lost and lets another tell of it: the last one that did, moved to `id`, where it may still grow. */
	const lose = (topic: string, seq: number, reason: Lost["reason"], id: number) => {
		lost++;
		const under = announce.topic(topic);
		const grows = gaps.get(under);
		if (grows) letters.erase(grows.id);
		const gap = {
			id: Math.max(id, grows?.id ?? 0),
			seq: grows?.seq ?? letters.count(under),
			lost: extended(grows?.lost ?? [], { topic, from: seq, to: seq, reason }),
		};
		gaps.set(under, gap);
		const payload = announce.payload(gap.lost, gap.seq);
		letters.write({ id: gap.id, seq: gap.seq, topic: under, payload, retain: false, at: now() });
	};

	/** Drops the oldest letter that has not been taken. */
	const drop = ({ id, topic, seq }: Letter, reason: Lost["reason"]) => {
		letters.erase(id);
		dropped = id;
		lose(topic, seq, reason, id);
	};

	const oldest = () => letters.after(Math.max(taken, dropped), 1, true)[0];
	const tooMany = () => (letters.bytes > size ? oldest() : undefined);
	const tooOld = () => {
		const letter = oldest();
		return letter && letter.at < now() - age ? letter : undefined;
	};

	const enforce = () => {
		for (let letter = tooMany(); letter; letter = tooMany()) drop(letter, "size");
		if (now() - looked < AGEING) return;
		looked = now();
		for (let letter = tooOld(); letter; letter = tooOld()) drop(letter, "age");
	};

	const full = () => letters.unstored >= IN_MEMORY;

	return {
		get waiting() {
			return letters.waiting;
		},
		get bytes() {
			return letters.bytes;
		},
		get busy() {
			return full() && !letters.failing;
		},
		get lost() {
			return lost + letters.damaged;
		},
		next: (topic) => letters.next(topic),
		append(topic, payload, retain) {
			if (closing) return;
			const id = letters.lastId + 1;
			const seq = letters.count(topic);
			if (full() && letters.failing) lose(topic, seq, "disk", id);
			else letters.write({ id, topic, seq, payload, retain, at: now() });
			enforce();
			void letters.store("soon");
		},
		stored: () => letters.store("soon"),
		onStored: (listener) => letters.onStored(listener),
		take(limit) {
			if (closing) return [];
			enforce();
			const given = letters.after(taken, limit, letters.failing);
			taken = given.at(-1)?.id ?? taken;
			// Somebody may read it from now on: it grows no more.
			for (const { topic, id } of given) if (gaps.get(topic)?.id === id) gaps.delete(topic);
			return given;
		},
		rewind() {
			taken = 0;
		},
		remove({ id }) {
			if (closing) return;
			letters.erase(id);
			void letters.store("lazily");
		},
		close() {
			closing ??= letters.close().then(() => {
				lost += letters.unstored;
			});
			return closing;
		},
	};
}
