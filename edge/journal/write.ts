import type { Logger } from "pino";
import type { Journal } from "../../adapters/journal.js";
import type { Bank, Bundle, Camera, Control, Inferred, Knowledge } from "../../operators/types.js";
import { type Entry, FORMAT, type Head, type Heard, outcomeOf } from "./chapter.js";

/** The ports through which something comes in that a round depends on; the model's answers follow from the rest. */
export interface Inlets {
	readonly camera: Camera;
	readonly bank: Bank;
	readonly control: Control;
}

/** One playing of a source, written down. */
export interface Written {
	/** What the pipeline is to be given. */
	readonly inlets: Inlets;
	/** To be told of each round at its end. */
	note(step: Inferred): void;
	/** Resolves when all is written. */
	over(): Promise<void>;
}

export interface Writing {
	/** @throws {EdgeError} `bank` when there can be none now */
	readonly open: () => Journal;
	readonly bundle: Bundle;
	/** What heads have in common. */
	readonly about: Omit<Head, "format" | "live" | "knowledge">;
	readonly log: Logger;
}

/** Milliseconds until a journal that could not be written is tried again. */
const RETRY = 60_000;

/**
 * Writes down all that comes in and what comes of it, so that every round can be made again. A journal that cannot be written
 * does not stop the camera: that is said, and another chapter begun later.
 */
export const written = (inlets: Inlets, start: Knowledge, { open, bundle, about, log }: Writing): Written => {
	const { camera, bank, control } = inlets;
	let knowledge = start;
	let heard = nothing();
	let writing: Promise<void> = Promise.resolve();
	let journal: Journal | undefined;
	let state: "between chapters" | "in a chapter" = "between chapters";
	let notBefore = 0;

	const attempt = async (write: (journal: Journal) => Promise<void>) => {
		try {
			journal ??= open();
			await write(journal);
			state = "in a chapter";
		} catch (error) {
			state = "between chapters";
			notBefore = performance.now() + RETRY;
			log.error({ error: (error as Error).message, retryIn: RETRY }, "the journal is not written");
		}
	};
	/** Between two rounds, when the knowledge is all there is. */
	const begin = async () => {
		await writing;
		const isDue = state === "between chapters" ? performance.now() >= notBefore : journal?.isFull;
		if (!isDue) return;
		const head: Head = { ...about, format: FORMAT, live: camera.live, knowledge };
		await attempt((journal) => journal.begin(head));
	};

	return {
		inlets: {
			camera: {
				live: camera.live,
				get waiting() {
					const { waiting } = camera;
					heard.waiting.push(waiting);
					return waiting;
				},
				get dropped() {
					return camera.dropped;
				},
				async take(limit, patience) {
					await begin();
					heard.frames = await camera.take(limit, patience);
					return heard.frames;
				},
				close: () => camera.close(),
			},
			control: {
				take() {
					const order = control.take();
					if (order) heard.commands.push(order.command);
					return order;
				},
			},
			bank: {
				...bank,
				async domains() {
					const domains = await bank.domains();
					heard.stored.push(domains);
					return domains;
				},
				async restore() {
					const stored = await bank.restore();
					heard.stored.push(stored);
					return stored;
				},
			},
		},
		note(step) {
			({ knowledge } = step);
			const entry: Entry = { heard, outcome: outcomeOf(step, bundle) };
			heard = nothing();
			if (state === "in a chapter") writing = attempt((journal) => journal.add(entry));
		},
		over: () => writing,
	};
};

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer One)[] ? One[] : T[K] };

const nothing = (): Omit<Writable<Heard>, "frames"> & { frames: Heard["frames"] } => ({
	frames: [],
	waiting: [],
	commands: [],
	stored: [],
});
