import { lastValueFrom, tap } from "rxjs";
import type { Bank, Camera, Command, Control, Inferred, Model, Outlet } from "../../operators/types.js";
import { pipeline } from "../../pipeline/pipeline.js";
import { differing, type Entry, type Head, type Outcome, outcomeOf } from "./chapter.js";

/** One round made again. */
export interface Replayed {
	readonly entry: Entry;
	/** In what it came to something else than was written down; nothing: it is the same. */
	readonly differing: readonly (keyof Outcome)[];
}

/**
 * Makes a chapter's rounds again from what came in, with the pipeline that made them, until one ends otherwise or the signal
 * says so.
 * @throws whatever reading an entry or the model throws
 */
export const replay = async (
	head: Head,
	entries: Iterator<Entry>,
	model: Model,
	onRound: (round: Replayed) => void,
	signal?: AbortSignal,
): Promise<void> => {
	let entry: Entry | undefined;
	let isOver = false;
	/** What came in is given out in the order in which it was asked for. */
	let [waiting, commands, stored]: [number[], Command[], unknown[]] = [[], [], []];
	const camera: Camera = {
		live: head.live,
		dropped: 0,
		get waiting() {
			return waiting.shift() ?? 0;
		},
		async take() {
			const next = isOver || signal?.aborted ? undefined : entries.next();
			entry = next?.done === false ? next.value : undefined;
			if (entry === undefined) return [];
			const { given } = entry;
			[waiting, commands, stored] = [[...given.waiting], [...given.commands], [...given.stored]];
			return given.frames;
		},
		async close() {},
	};
	const control: Control = {
		take() {
			const command = commands.shift();
			return command && { command, done() {} };
		},
	};
	const bank: Bank = {
		domains: async () => (stored.shift() ?? []) as Awaited<ReturnType<Bank["domains"]>>,
		restore: async () => stored.shift(),
		async put() {},
		async remove() {},
		async checkpoint() {},
		async close() {},
	};
	const outlet: Outlet = { publish: async () => {} };
	const compared = (step: Inferred) => {
		if (entry === undefined) return;
		const found = differing(entry.outcome, outcomeOf(step, model.bundle));
		isOver = found.length > 0;
		onRound({ entry, differing: found });
	};
	const rounds = pipeline({ camera, model, control, bank, outlet }, head.settings, head.knowledge);
	await lastValueFrom(rounds.pipe(tap(compared)), { defaultValue: undefined });
};
