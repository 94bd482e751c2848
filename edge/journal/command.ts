import { existsSync } from "node:fs";
import { openBundle } from "../../adapters/bundle.js";
import { openJournals } from "../../adapters/journal.js";
import { openModel } from "../../adapters/model.js";
import { type Command, EdgeError, type Model } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { type Entry, FORMAT, type Head, type Outcome, sha256Of } from "./chapter.js";
import { journalsIn } from "./keep.js";
import { type Replayed, replay } from "./replay.js";

interface Options {
	readonly store: string;
	/** Folder of the model's bundle; absent: where the journal says. */
	readonly model?: string;
	readonly json?: boolean;
	/** Ends it early. */
	readonly signal: AbortSignal;
}

/** What was made again. */
interface Tally {
	chapters: number;
	rounds: number;
	frames: number;
	/** Steps of learning. */
	steps: number;
	/** Rounds that could not be written down. */
	missed: number;
}

/**
 * Makes all rounds of a camera's journal again, tells of every step of learning and change of domain, and says whether all
 * came to the same.
 * @throws {Mistake} when there is no such journal, or another model is needed
 * @throws {EdgeError} when a round ends otherwise, or the journal or the model cannot be read
 */
export const replayCommand = async (camera: string, options: Options): Promise<void> => {
	const { store, model: folder, json, signal } = options;
	const directory = journalsIn(store);
	if (!existsSync(directory)) throw noneOf(camera, store, []);
	const journals = openJournals({ directory, readOnly: true });
	const models = modelsFor(folder);
	const tell = (line: string) => void (json || console.log(line));
	const all: Tally = { chapters: 0, rounds: 0, frames: 0, steps: 0, missed: 0 };
	try {
		const chapters = journals.chapters(camera);
		if (chapters.length === 0) throw noneOf(camera, store, journals.cameras());
		for (const chapter of chapters) {
			const entries = journals.read(camera, chapter)[Symbol.iterator]();
			const head = headOf(entries.next().value, `chapter ${chapter} of ${camera}`);
			if (!head) {
				tell(`chapter ${chapter} has made room for newer ones meanwhile`);
				continue;
			}
			let before: Before = { domain: head.knowledge.domain.id, steps: head.knowledge.counts.steps };
			if (head.missed > 0) tell(`${head.missed} rounds could not be written down`);
			tell(`chapter ${chapter}, ${before.domain}, ${before.steps} steps of learning so far`);
			all.chapters++;
			all.missed += head.missed;
			const compared = ({ entry, differing }: Replayed) => {
				if (differing.length > 0) throw otherwise(entry, differing, head);
				all.rounds++;
				all.frames += entry.given.frames.length;
				all.steps += Math.max(0, entry.outcome.steps - before.steps);
				for (const line of events(before, entry)) tell(line);
				before = entry.outcome;
			};
			await replay(head, entries as Iterator<Entry>, await models.of(head), compared, signal);
			if (signal.aborted)
				throw new EdgeError("model", `interrupted after ${all.rounds} rounds, which are all as they were`);
		}
	} finally {
		await models.close();
		await journals.close();
	}
	if (json) console.log(JSON.stringify(all));
	tell(`${all.rounds} rounds, ${all.frames} frames, ${all.steps} steps of learning: all as they were, to the last bit`);
};

const noneOf = (camera: string, store: string, others: readonly string[]) =>
	new Mistake(`no journal of a camera called ${camera} in ${store}; there is ${others.join(", ") || "none"}`);

/** A chapter's head; undefined where it has gone. */
const headOf = (first: unknown, what: string): Head | undefined => {
	if (first === undefined) return undefined;
	if ((first as Partial<Head>).format !== FORMAT)
		throw new EdgeError("bank", `${what} was written by another version of acclimate`);
	return first as Head;
};

/** Models as chapters ask for them, one at a time. */
const modelsFor = (folder: string | undefined) => {
	let open: { readonly model: Model; readonly threads: number } | undefined;
	const close = async () => open?.model.close();
	return {
		close,
		async of({ model: { directory, sha256, threads } }: Head): Promise<Model> {
			const isIt = (one: Model["bundle"]) => sha256Of(one).join() === sha256.join();
			if (open && open.threads === threads && isIt(open.model.bundle)) return open.model;
			const bundle = await openBundle(folder ?? directory);
			if (!isIt(bundle))
				throw new Mistake(
					`the journal needs the model ${shown(sha256)}, and the one in ${bundle.directory} is ${shown(sha256Of(bundle))}: say with --model where it is`,
				);
			await close();
			open = { model: await openModel(bundle, { threads }), threads };
			return open.model;
		},
	};
};

/** What tells bundles apart, as far as a person looks at it. */
const shown = (sha256: readonly string[]) => sha256.map((one) => one.slice(0, 8)).join("-");

type Before = Pick<Outcome, "domain" | "steps">;

/** What a person wants to know of a round: one line each. */
const events = (before: Before, { given, outcome }: Entry): string[] => {
	const { index, capturedAt } = given.frames[given.frames.length - 1];
	const { domain, steps, gain } = outcome;
	const when = `${new Date(capturedAt).toISOString()}  frame ${index}`;
	return [
		...given.commands.map((command) => `${when}  asked to ${wordsOf(command)}`),
		...(domain === before.domain ? [] : [`${when}  domain: ${domain}`]),
		...(steps > before.steps ? [`${when}  step ${steps}${gain === undefined ? "" : `, gain ${gain.toFixed(2)}`}`] : []),
	];
};

const wordsOf = ({ do: what, ...about }: Command): string =>
	[what === "on" ? "learn" : what, ...Object.values(about)].join(" ");

const otherwise = ({ given }: Entry, names: readonly string[], { by }: Head): EdgeError => {
	const [{ index, capturedAt }] = given.frames;
	return new EdgeError(
		"model",
		`the batch of frame ${index}, ${new Date(capturedAt).toISOString()}, comes to other ${names.join(", ")} than ${by} wrote down`,
	);
};
