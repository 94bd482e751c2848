import { readFile, stat } from "node:fs/promises";
import { Mistake } from "../mistake.js";
import type { Pictures } from "./calibrate/images.js";

/** Where the names of the classes may come from; the first that is there holds. */
export interface LabelSources {
	/** Path of a file with one a line. */
	readonly file: string | undefined;
	/** What JSON beside the model says, and which file that was. */
	readonly beside: readonly string[] | undefined;
	readonly besideFile: string | undefined;
	/** The calibration pictures, whose class folders have names, and their path. */
	readonly pictures: Pictures;
	readonly calibration: string;
}

/**
 * The names of a model's classes.
 * @throws {Mistake} when there are more or fewer than the model has classes
 */
export async function chooseLabels(sources: LabelSources, classes: number): Promise<readonly string[]> {
	const { file, beside, besideFile, pictures, calibration } = sources;
	if (file !== undefined) return readLabels(file, classes);
	if (beside) {
		if (beside.length === classes) return beside;
		throw new Mistake(`${besideFile}: names ${beside.length} classes, and the model tells ${classes} apart`);
	}
	const folders = [...new Set(pictures.pictures.flatMap(({ folder }) => folder ?? []))].sort();
	if (folders.length === classes) return folders;
	throw new Mistake(
		`the model tells ${classes} classes apart and ${calibration} has ${folders.length} class folders; name the classes with --labels FILE, one a line`,
	);
}

/** Bytes. The longest names of ImageNet-21k's classes take two million. */
const MOST_BYTES = 8 * 2 ** 20;

async function readLabels(path: string, classes: number): Promise<string[]> {
	const unreadable = (cause: NodeJS.ErrnoException) => {
		throw new Mistake(`${path}: cannot be read (${cause.code}); expected labels, one a line`, { cause });
	};
	const found = await stat(path).catch(unreadable);
	// A pipe from a shell may hold labels, too; what never ends may not.
	if (found.size > MOST_BYTES || !(found.isFile() || found.isFIFO() || found.isDirectory())) {
		throw new Mistake(`${path}: expected labels, one a line, in a file of at most ${MOST_BYTES / 2 ** 20} MB`);
	}
	const text = await readFile(path, "utf8").catch(unreadable);
	const labels = text.split(/\r?\n/).map((line) => line.trim());
	while (labels.at(-1) === "") labels.pop();
	const empty = labels.indexOf("");
	if (empty >= 0) throw new Mistake(`${path}:${empty + 1}: expected a label, found an empty line`);
	if (labels.length !== classes) {
		throw new Mistake(`${path}: expected ${classes} labels, as many as the model has classes, found ${labels.length}`);
	}
	return labels;
}
