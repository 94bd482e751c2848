import { existsSync } from "node:fs";
import { openBundle } from "../../adapters/bundle.js";
import { openJournals } from "../../adapters/journal.js";
import { openModel } from "../../adapters/model.js";
import { EdgeError, type Model } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { type Entry, FORMAT, type Head, type Outcome } from "./chapter.js";
import { journalsIn } from "./keep.js";
import { replay } from "./replay.js";

interface Options {
	readonly store: string;
	/** Folder of the model's bundle; absent: where the journal says. */
	readonly model?: string;
	readonly json?: boolean;
}

/** What has been made again so far. */
interface Tally {
	chapters: number;
	rounds: number;
	frames: number;
	steps: number;
}

/**
 * Makes all rounds of a camera's journal again, tells of every step of learning and change of domain, and says whether all
 * came to the same.
 * @throws {Mistake} when there is no such journal, or another model is needed
 * @throws {EdgeError} when a round ends otherwise, or the journal or the model cannot be read
 */
export const replayCommand = async (camera: string, { store, model: folder, json }: Options): Promise<void> => {
	const directory = journalsIn(store);
	if (!existsSync(directory)) throw noneOf(camera, store, []);
	const journals = openJournals({ directory, readOnly: true });
	const models = modelsFor(folder);
	const tally: Tally = { chapters: 0, rounds: 0, frames: 0, steps: 0 };
	try {
		const chapters = journals.chapters(camera);
		if (chapters.length === 0) throw noneOf(camera, store, journals.cameras());
		for (const chapter of chapters) {
			const [head, entries] = opened(journals.read(camera, chapter), `chapter ${chapter} of ${camera}`);
			let before: Pick<Outcome, "domain" | "steps"> = {
				domain: head.knowledge.domain.id,
				steps: head.knowledge.counts.steps,
			};
			if (!json) console.log(`chapter ${chapter}, ${before.domain}, ${before.steps} steps of learning so far`);
			tally.chapters++;
			await replay(head, entries, await models.of(head), ({ entry, other }) => {
				if (other) throw otherwise(entry, other, head);
				tally.rounds++;
				tally.frames += entry.heard.frames.length;
				tally.steps += Math.max(0, entry.outcome.steps - before.steps);
				if (!json) for (const line of events(before, entry)) console.log(line);
				before = entry.outcome;
			});
		}
	} finally {
		await models.close();
		await journals.close();
	}
	const { rounds, frames, steps } = tally;
	console.log(
		json
			? JSON.stringify(tally)
			: `${rounds} rounds, ${frames} frames, ${steps} steps of learning: all as they were, to the last bit`,
	);
};

const noneOf = (camera: string, store: string, others: readonly string[]) =>
	new Mistake(`no journal of a camera called ${camera} in ${store}; there is ${others.join(", ") || "none"}`);

/** A chapter's head and what follows. */
const opened = (chapter: Iterable<unknown>, what: string): [Head, Iterator<Entry>] => {
	const entries = chapter[Symbol.iterator]();
	const head = entries.next().value as Partial<Head> | undefined;
	if (head?.format !== FORMAT) throw new EdgeError("bank", `${what} was written by another version of acclimate`);
	return [head as Head, entries as Iterator<Entry>];
};

/** Models as chapters ask for them, one at a time. */
const modelsFor = (folder: string | undefined) => {
	let open: Model | undefined;
	const close = async () => open?.close();
	return {
		close,
		async of({ model: { directory, sha256, threads } }: Head): Promise<Model> {
			if (open?.bundle.manifest.model.sha256 === sha256) return open;
			const bundle = await openBundle(folder ?? directory);
			const found = bundle.manifest.model.sha256;
			if (found !== sha256)
				throw new Mistake(
					`the journal needs the model ${sha256.slice(0, 12)}, and the one in ${bundle.directory} is ${found.slice(0, 12)}: say with --model where it is`,
				);
			await close();
			open = await openModel(bundle, { threads });
			return open;
		},
	};
};

/** What a person wants to know of a round: one line each. */
const events = (before: Pick<Outcome, "domain" | "steps">, { heard, outcome }: Entry): string[] => {
	const { index, capturedAt } = heard.frames[heard.frames.length - 1];
	const { domain, steps, gain } = outcome;
	const when = `${new Date(capturedAt).toISOString()}  frame ${index}`;
	return [
		...heard.commands.map(({ do: what }) => `${when}  command: ${what}`),
		...(domain === before.domain ? [] : [`${when}  domain: ${domain}`]),
		...(steps > before.steps ? [`${when}  step ${steps}${gain === undefined ? "" : `, gain ${gain.toFixed(2)}`}`] : []),
	];
};

const otherwise = ({ heard, outcome }: Entry, other: Outcome, { version }: Head): EdgeError => {
	const [{ index, capturedAt }] = heard.frames;
	const names = (Object.keys(outcome) as (keyof Outcome)[]).filter((key) => !Object.is(outcome[key], other[key]));
	return new EdgeError(
		"model",
		`the batch of frame ${index}, ${new Date(capturedAt).toISOString()}, comes to other ${names.join(", ")} than acclimate ${version} wrote down`,
	);
};
