import type { Logger } from "pino";
import type { Journal } from "../../adapters/journal.js";
import type { Bank, Bundle, Camera, Command, Control, Frame, Inferred, Knowledge } from "../../operators/types.js";
import { type Entry, FORMAT, type Head, outcomeOf } from "./chapter.js";

/** The ports through which something comes in that a round depends on; the model's answers follow from the rest. */
export interface Inlets {
	readonly camera: Camera;
	readonly bank: Bank;
	readonly control: Control;
}

/** Writes down what one camera's rounds were given and what came of them, over all openings of its source. */
export interface Recorder {
	/** The same ports for one playing of the source, which begins with `start`. */
	listening(inlets: Inlets, start: Knowledge): Inlets;
	/** To be told of each round at its end. */
	note(step: Inferred): void;
	/** Resolves when all is written. */
	over(): Promise<void>;
}

export interface RecorderOptions {
	/** @throws {EdgeError} `bank` when there can be none now */
	readonly open: () => Journal;
	readonly bundle: Bundle;
	/** What heads have in common. */
	readonly about: Pick<Head, "by" | "model" | "settings">;
	readonly log: Logger;
	/** Milliseconds until a journal that could not be written is tried again. */
	readonly retry?: number;
}

/** What has come in since the last round ended. */
interface Incoming {
	frames: readonly Frame[];
	readonly waiting: number[];
	readonly commands: Command[];
	readonly stored: unknown[];
}

const nothing = (): Incoming => ({ frames: [], waiting: [], commands: [], stored: [] });

/**
 * A journal that cannot be written does not stop the camera: that is said, counted, and another chapter begun later. One write
 * may be under way while the next round runs, no more, so that memory stays within bounds.
 */
export const openRecorder = ({ open, bundle, about, log, retry = 60_000 }: RecorderOptions): Recorder => {
	let journal: Journal | undefined;
	let knowledge: Knowledge;
	let given = nothing();
	let isWriting = false;
	let notBefore = 0;
	/** Rounds that ended since the last one that was written. */
	let missed = 0;
	let before: Promise<void> = Promise.resolve();
	let latest: Promise<void> = Promise.resolve();

	const attempt = async (write: (journal: Journal) => Promise<void>) => {
		try {
			journal ??= open();
			await write(journal);
			return true;
		} catch (error) {
			isWriting = false;
			notBefore = performance.now() + retry;
			log.error({ error: (error as Error).message, retryIn: retry }, "the journal is not written");
			return false;
		}
	};
	/** Between two rounds, when the knowledge is all there is. */
	const begin = async (camera: Camera) => {
		if (isWriting ? !journal?.isFull : performance.now() < notBefore) return;
		await latest;
		const head: Head = { ...about, format: FORMAT, live: camera.live, knowledge, missed };
		if (!(await attempt((journal) => journal.begin(head)))) return;
		if (missed > 0) log.warn({ rounds: missed }, "the journal is written again, without so many rounds");
		missed = 0;
		isWriting = true;
	};
	const add = async (entry: Entry) => {
		if (!isWriting || !(await attempt((journal) => journal.add(entry)))) missed++;
	};

	return {
		listening({ camera, bank, control }, start) {
			knowledge = start;
			given = nothing();
			const noted = async <T>(answer: Promise<T>): Promise<T> => {
				const stored = await answer;
				given.stored.push(stored);
				return stored;
			};
			return {
				camera: {
					live: camera.live,
					get waiting() {
						const { waiting } = camera;
						given.waiting.push(waiting);
						return waiting;
					},
					get dropped() {
						return camera.dropped;
					},
					async take(limit, patience) {
						await before;
						given.frames = await camera.take(limit, patience);
						// A source that shows nothing begins no chapter, however often it is opened.
						if (given.frames.length > 0) await begin(camera);
						return given.frames;
					},
					close: () => camera.close(),
				},
				control: {
					take() {
						const order = control.take();
						if (order) given.commands.push(order.command);
						return order;
					},
				},
				bank: { ...bank, domains: () => noted(bank.domains()), restore: () => noted(bank.restore()) },
			};
		},
		note(step) {
			({ knowledge } = step);
			const entry: Entry = { given, outcome: outcomeOf(step, bundle) };
			given = nothing();
			before = latest;
			latest = before.then(() => add(entry));
		},
		async over() {
			await latest;
			if (missed > 0) log.warn({ rounds: missed }, "the journal does not hold the latest rounds");
		},
	};
};
