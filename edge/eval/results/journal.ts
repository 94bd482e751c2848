import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { Mistake } from "../../mistake.js";
import { keyOf, type Run, type RunId, type Seen } from "./run.js";

/** What runs depend on besides their key: the model's hash, the data, the options. They are of one table only if all is the same. */
export type Fingerprint = Readonly<Record<string, unknown>>;

/** Finished runs in a file, so that an evaluation of hours goes on where it was stopped. */
export interface Journal {
	/** As the file had them when it was opened, then as they were added. */
	readonly runs: readonly Run[];
	has(id: RunId): boolean;
	/** Returns once the run is on the disk. */
	add(run: Run): Promise<void>;
	close(): Promise<void>;
}

/**
 * Opens a file of JSON lines that only ever grows, or begins it. Its first line says what the runs depend on; each run
 * is a group of lines, and counts only if the last, with the hash of the others, is there.
 */
export const openJournal = async (path: string, fingerprint: Fingerprint): Promise<Journal> => {
	const text = await readFile(path, "utf8").catch((error) => {
		if (error.code === "ENOENT") return "";
		throw new Mistake(`${path}: cannot be read: ${error.message}`);
	});
	const wanted: Fingerprint = JSON.parse(JSON.stringify(fingerprint));
	// Without a whole first line nothing else was written either.
	const begun = text.includes("\n");
	if (begun) refuseOthers(path, text, wanted);
	else if (text !== "" && !headLine(wanted).startsWith(text)) throw new Mistake(notAJournal(path));
	const runs = new Map(parseRuns(text).map((run) => [keyOf(run), run]));
	const file = await open(path, "a").catch((error) => {
		throw new Mistake(`${path}: cannot be written: ${error.message}`);
	});
	if (!begun) {
		await file.truncate();
		await file.appendFile(headLine(wanted));
	} else if (!text.endsWith("\n")) await file.appendFile("\n");
	/** Runs that are done at the same time are written one after the other. */
	let writing: Promise<void> = Promise.resolve();
	return {
		get runs() {
			return [...runs.values()];
		},
		has: (id) => runs.has(keyOf(id)),
		add(run) {
			writing = writing.then(async () => {
				await file.appendFile(linesOf(run));
				await file.datasync();
				runs.set(keyOf(run), run);
			});
			return writing;
		},
		close: () => file.close(),
	};
};

const headLine = (settings: Fingerprint) => `${JSON.stringify({ kind: "journal", format: 2, settings })}\n`;

const notAJournal = (path: string) => `${path}: expected a journal of acclimate eval, or no such file`;

const refuseOthers = (path: string, text: string, wanted: Fingerprint): void => {
	const head = parsed(text.slice(0, text.indexOf("\n")));
	if (head?.kind !== "journal") throw new Mistake(notAJournal(path));
	if (head.format !== 2)
		throw new Mistake(`${path}: written by another version (format ${head.format}, not 2): name another file`);
	const settings = head.settings as Fingerprint;
	const others = [...new Set([...Object.keys(settings), ...Object.keys(wanted)])]
		.filter((key) => !isDeepStrictEqual(settings[key], wanted[key]))
		.map((key) => `${key} ${shown(settings[key])} there, ${shown(wanted[key])} here`);
	if (others.length > 0)
		throw new Mistake(`${path}: holds runs of other settings (${others.join("; ")}): name another file`);
};

const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? "not set"));

/** What is the same for all frames of a step; a line holds as many frames in a row as agree on it. */
type Step = Omit<Seen, "label" | "predicted" | "confidence" | "correct">;

const stepOf = ({ label, predicted, confidence, correct, ...step }: Seen): Step => step;

const linesOf = ({ frames, ...head }: Run): string => {
	const lines = [JSON.stringify({ kind: "begin", ...head })];
	const keys = frames.map((seen) => JSON.stringify(stepOf(seen)));
	for (let from = 0, to: number; from < frames.length; from = to) {
		for (to = from + 1; keys[to] === keys[from]; ) to++;
		const own = frames.slice(from, to);
		lines.push(
			JSON.stringify({
				kind: "frames",
				step: stepOf(frames[from]),
				label: own.map(({ label }) => label),
				predicted: own.map(({ predicted }) => predicted),
				confidence: own.map(({ confidence }) => confidence),
				correct: own.map(({ correct }) => Number(correct)),
			}),
		);
	}
	return [...lines, JSON.stringify({ kind: "end", sha256: hash(lines) }), ""].join("\n");
};

/** All runs that are whole, in the order of the text. */
export const parseRuns = (text: string): Run[] => {
	const runs: Run[] = [];
	let group: string[] = [];
	for (const line of text.split("\n")) {
		// Parsing every line twice would take as long as the rest.
		const kind = /^\{"kind":"(\w+)"/.exec(line)?.[1];
		if (kind === "begin") group = [line];
		else if (kind === "frames") group.push(line);
		else {
			if (kind === "end" && parsed(line)?.sha256 === hash(group)) runs.push(runOf(group));
			group = [];
		}
	}
	return runs;
};

const runOf = ([first, ...steps]: readonly string[]): Run => {
	const { kind: _, ...head } = JSON.parse(first);
	const frames = steps.flatMap((line): Seen[] => {
		const { step, label, predicted, confidence, correct } = JSON.parse(line);
		// Spreading all of it would take several times as long.
		const { domain, visit, passes, milliseconds, ...rest } = step;
		return label.map((own: number, i: number) => ({
			domain,
			visit,
			label: own,
			predicted: predicted[i],
			// JSON has no word for what is not a number.
			confidence: confidence[i] ?? Number.NaN,
			correct: correct[i] === 1,
			passes,
			milliseconds,
			...rest,
		}));
	});
	return { ...head, frames };
};

const parsed = (line: string): Record<string, unknown> | undefined => {
	try {
		const value = JSON.parse(line);
		return typeof value === "object" && value !== null ? value : undefined;
	} catch {
		return undefined;
	}
};

const hash = (lines: readonly string[]): string => createHash("sha256").update(lines.join("\n")).digest("hex");
