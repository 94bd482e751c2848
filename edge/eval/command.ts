import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Mistake } from "../mistake.js";
import { closeAll, type Plan, planned, plansFor, type Scope } from "./plan.js";
import { evaluateAll, processes } from "./pool.js";
import { resultsPage, thisMachine, writeResults } from "./results/docs.js";
import { type Journal, openJournal } from "./results/journal.js";
import { terminalCosts, terminalTables } from "./results/layout.js";
import { openProgress } from "./results/progress.js";
import { jsonLines } from "./results/rows.js";
import { counterpart, keyOf, type Run } from "./results/run.js";
import { studies } from "./results/study.js";

export interface EvalOptions extends Scope {
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
	const plans = await plansFor(options);
	try {
		const say = (sentence: string) => options.json || process.stderr.write(`${sentence}\n`);
		for (const { model, remarks } of plans) for (const remark of remarks) say(`${model}: ${remark}`);
		if (options.docs !== undefined) {
			await mkdir(options.docs, { recursive: true }).catch((cause) => {
				throw new Mistake(`${options.docs}: nothing can be written there (${cause.code})`, { cause });
			});
		}
		const runs = await runsOf(options, plans);
		await show(runs, options, say);
	} finally {
		await closeAll(plans);
	}
}

/** The plans' runs in their order, as far as they were made before it was stopped. */
async function runsOf(options: EvalOptions, plans: readonly Plan[]): Promise<readonly Run[]> {
	const { model, data, streams, methods, corruptions, seeds, frames, signal, json } = options;
	const scope: Scope = {
		...{ model, data, corruptions, seeds, frames },
		...(streams && { streams }),
		...(methods && { methods }),
	};
	const { file, remove } = await journalFile(options.resume);
	let journal: Journal | undefined;
	try {
		journal = await openJournal(file, fingerprint(scope, plans));
		const { add, has } = journal;
		const all = plans.flatMap(planned);
		const progress = openProgress(process.stderr, all, { json, atATime: processes() });
		for (const run of journal.runs) progress.done(run);
		const done = async (run: Run) => {
			await add(run);
			progress.done(run);
		};
		try {
			await evaluateAll(scope, plans, has, { ...progress, done }, signal);
		} finally {
			progress.end();
		}
		const made = new Map(journal.runs.map((run) => [keyOf(run), run]));
		return all.flatMap((run) => made.get(keyOf(run)) ?? []);
	} finally {
		await journal?.close();
		await remove();
	}
}

async function show(runs: readonly Run[], options: EvalOptions, say: (sentence: string) => void): Promise<void> {
	const { json, docs, signal, typed } = options;
	const all = studies(runs);
	const width = process.stdout.columns;
	if (json) for (const run of runs) process.stdout.write(`${jsonLines(run, counterpart(run, runs)).trimEnd()}\n`);
	else process.stdout.write(`${terminalTables(all, width)}\n\n${terminalCosts(all, width)}\n`);
	if (docs === undefined || signal.aborted) return;
	const circumstances = {
		date: today(),
		commit: await commit(),
		machine: thisMachine(),
		commands: [typed],
		credits: CREDITS,
	};
	await writeResults(docs, resultsPage(all, circumstances));
	say(`wrote ${join(docs, "results.md")}`);
}

/** Of the data that the project's own tables are made with. */
const CREDITS = [
	'"A Dataset Containing Tiny and Low Quality Images for Vehicle Classification", Zenodo record 6634554, CC BY 4.0',
];

/** Without a file to resume from, one that is gone afterwards. */
async function journalFile(resume: string | undefined): Promise<{ file: string; remove: () => Promise<void> }> {
	if (resume !== undefined) return { file: resume, remove: async () => {} };
	const folder = await mkdtemp(join(tmpdir(), "acclimate-eval-"));
	return { file: join(folder, "runs.jsonl"), remove: () => rm(folder, { recursive: true }) };
}

/** What finished runs depend on, beside what tells them apart; streams, methods and seeds may be added to them. */
const fingerprint = ({ corruptions, frames }: Scope, plans: readonly Plan[]) => ({
	models: Object.fromEntries(
		plans.map(({ model, data, bundle: { manifest } }) => [
			model,
			{ model: manifest.model.sha256, source: manifest.source.sha256, labels: manifest.labels, data },
		]),
	),
	corruptions,
	frames,
});

const today = () => new Date().toISOString().slice(0, 10);

/** Of the repository that the program was built in, where there is one. */
const commit = (): Promise<string> =>
	promisify(execFile)("git", ["rev-parse", "--short", "HEAD"], { cwd: new URL(".", import.meta.url) }).then(
		({ stdout }) => stdout.trim(),
		() => "unknown",
	);
