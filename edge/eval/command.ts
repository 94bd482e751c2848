import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openBundle } from "../../adapters/bundle.js";
import type { Manifest } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { corruptionOf } from "./corruptions/corruptions.js";
import { type Data, readData } from "./data.js";
import { evaluate, type Plan, planned } from "./evaluate.js";
import type { Method } from "./method.js";
import { methods as allMethods } from "./methods/methods.js";
import { resultsPage, thisMachine, writeResults } from "./results/docs.js";
import { openJournal } from "./results/journal.js";
import { openProgress } from "./results/progress.js";
import { jsonLines } from "./results/rows.js";
import { counterpart, keyOf } from "./results/run.js";
import { studies } from "./results/study.js";
import { terminalCosts, terminalTables } from "./results/tables.js";
import { streams as allStreams, type Stream } from "./streams.js";

export interface EvalOptions {
	/** Folders of bundles. */
	readonly model: readonly string[];
	readonly data: string;
	readonly streams?: readonly string[];
	readonly methods?: readonly string[];
	readonly corruptions: readonly string[];
	readonly seeds: number;
	/** Of each domain in a stream. */
	readonly frames: number;
	/** File that finished runs are kept in and taken from. */
	readonly resume?: string;
	/** Folder that results.md and its drawings are written to. */
	readonly docs?: string;
	readonly json?: boolean;
	readonly signal: AbortSignal;
	/** What was typed, for the page. */
	readonly typed: string;
}

/** `acclimate eval`: many methods on identical frames of many streams, through the daemon's own operators. */
export async function evalCommand(options: EvalOptions): Promise<void> {
	const { json = false, signal } = options;
	const streams = chosen("stream", options.streams, allStreams);
	const methods = chosen("method", options.methods, allMethods);
	for (const name of options.corruptions) corruptionOf(name);
	const say = (sentence: string) => json || process.stderr.write(`${sentence}\n`);
	const plans: Plan[] = [];
	for (const folder of options.model) {
		const { plan, remarks } = await planFor(folder, streams, methods, options);
		if (plans.some(({ model }) => model === plan.model)) {
			throw new Mistake(`${folder}: a second model called ${plan.model}`);
		}
		for (const remark of remarks) say(`${plan.model}: ${remark}`);
		plans.push(plan);
	}
	if (options.docs !== undefined) {
		await mkdir(options.docs, { recursive: true }).catch((cause) => {
			throw new Mistake(`${options.docs}: nothing can be written there (${cause.code})`, { cause });
		});
	}
	const { file, remove } = await journalFile(options.resume);
	const journal = await openJournal(file, fingerprint(options, plans));
	const progress = openProgress(process.stderr, plans.flatMap(planned), { json });
	for (const run of journal.runs) progress.done(run);
	try {
		try {
			for (const plan of plans) if (!signal.aborted) await evaluate(plan, journal, progress, signal);
		} finally {
			progress.end();
		}
		const wanted = new Set(plans.flatMap(planned).map(keyOf));
		const runs = journal.runs.filter((run) => wanted.has(keyOf(run)));
		const all = studies(runs);
		const width = process.stdout.columns;
		if (json) for (const run of runs) process.stdout.write(`${jsonLines(run, counterpart(run, runs)).trimEnd()}\n`);
		else process.stdout.write(`${terminalTables(all, width)}\n\n${terminalCosts(all, width)}\n`);
		if (options.docs !== undefined && !signal.aborted) {
			const commands = [options.typed];
			const circumstances = {
				date: today(),
				commit: await commit(),
				machine: thisMachine(),
				commands,
				credits: CREDITS,
			};
			await writeResults(options.docs, resultsPage(all, circumstances));
			say(`wrote ${join(options.docs, "results.md")}`);
		}
	} finally {
		await journal.close();
		await remove();
	}
}

/** What is to be run of one model, and what to say about it. */
async function planFor(
	folder: string,
	streams: readonly Stream[],
	methods: readonly Method[],
	{ data: path, corruptions, frames, seeds }: EvalOptions,
): Promise<{ plan: Plan; remarks: readonly string[] }> {
	const bundle = await openBundle(folder);
	const data = await readData(path, bundle);
	const reasons = methods.map((method) => ({ method, why: method.refuses(bundle.manifest) }));
	const without = reasons.flatMap(({ method, why }) => (why === undefined ? [] : [`${method.name} (${why})`]));
	const showings = streams.flatMap((stream) =>
		Array.from({ length: seeds }, (_, i) => i + 1).map((seed) => ({
			stream,
			seed,
			segments: stream.segments({ labels: data.labels, corruptions, frames, seed }),
		})),
	);
	return {
		plan: {
			bundle,
			model: `${bundle.manifest.name} ${weights(bundle.manifest)}`,
			data,
			showings,
			methods: reasons.flatMap(({ method, why }) => (why === undefined ? [method] : [])),
		},
		remarks: [data.remarks.join("; "), ...(without.length > 0 ? [`without ${without.join(", ")}`] : [])],
	};
}

/** Of the data that the project's own tables are made with. */
const CREDITS = [
	'"A Dataset Containing Tiny and Low Quality Images for Vehicle Classification", Zenodo record 6634554, CC BY 4.0',
];

function chosen<T extends { readonly name: string }>(
	kind: string,
	names: readonly string[] | undefined,
	all: readonly T[],
): readonly T[] {
	const twice = names?.find((name, i) => names.indexOf(name) !== i);
	if (twice !== undefined) throw new Mistake(`the ${kind} ${twice} is named twice`);
	return (
		names?.map((name) => {
			const found = all.find((one) => one.name === name);
			if (found) return found;
			throw new Mistake(`there is no ${kind} called ${name}; expected ${all.map((one) => one.name).join(", ")}`);
		}) ?? all
	);
}

const weights = ({ bits }: Manifest) => (bits === 32 ? "float" : `W${bits}A${bits}`);

/** Without a file to resume from, one that is gone afterwards. */
async function journalFile(resume: string | undefined): Promise<{ file: string; remove: () => Promise<void> }> {
	if (resume !== undefined) return { file: resume, remove: async () => {} };
	const folder = await mkdtemp(join(tmpdir(), "acclimate-eval-"));
	return { file: join(folder, "runs.jsonl"), remove: () => rm(folder, { recursive: true }) };
}

/** What finished runs depend on, beside what tells them apart; streams, methods and seeds may be added to them. */
const fingerprint = ({ corruptions, frames }: EvalOptions, plans: readonly Plan[]) => ({
	models: Object.fromEntries(
		plans.map(({ model, data, bundle: { manifest } }) => [
			model,
			{ model: manifest.model.sha256, source: manifest.source.sha256, labels: manifest.labels, data: hashOf(data) },
		]),
	),
	corruptions,
	frames,
});

function hashOf({ pixels, labels }: Data): string {
	const hash = createHash("sha256").update(JSON.stringify(labels));
	for (const picture of pixels) hash.update(picture);
	return hash.digest("hex");
}

const today = () => new Date().toISOString().slice(0, 10);

/** Of the repository that the program was built in, where there is one. */
const commit = (): Promise<string> =>
	promisify(execFile)("git", ["rev-parse", "--short", "HEAD"], { cwd: new URL(".", import.meta.url) }).then(
		({ stdout }) => stdout.trim(),
		() => "unknown",
	);
