import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { bundled } from "../paths.js";
import { pictureNames, readPictures } from "../prepare/calibrate/images.js";

/** Labelled pictures, decoded and fitted as a camera's frames would be. */
export interface Data {
	/** Planes G, B, R of each. */
	readonly pixels: readonly Uint8Array[];
	/** Place of each one's class among the model's labels. */
	readonly labels: readonly number[];
	/** What was left out and why, sentences for people. */
	readonly remarks: readonly string[];
}

const MOST_PICTURES = 50_000;

/**
 * Reads a folder of class folders, or a zip of one. The bundled models are never evaluated on what they were trained on: of
 * the data that the committed list of held-back pictures is about, only these are taken, whatever the model.
 * @throws {Mistake} when a class is empty or one that the model does not know, or nothing can be read
 */
export async function readData(path: string, { manifest }: Bundle): Promise<Data> {
	const { input, labels } = manifest;
	await checkClasses(path, labels);
	const heldBack = (await readFile(bundled.heldBack, "utf8")).split(/\s+/).filter(Boolean);
	const names = new Set(await pictureNames(path));
	const present = heldBack.filter((name) => names.has(name));
	// Half of them are no coincidence; a copy of the data need not be whole.
	const isRestricted = present.length >= heldBack.length / 2;
	const chosen = new Set(isRestricted ? present : names);
	const { pictures, skipped } = await readPictures(path, input, MOST_PICTURES, (name) => chosen.has(name));
	const classes = pictures.map(({ folder }) => labelOf(folder, labels, path));
	return {
		pixels: pictures.map(({ pixels }) => pixels),
		labels: classes,
		remarks: [
			`${pictures.length} pictures of ${new Set(classes).size} classes`,
			...(isRestricted ? ["only those that the bundled models were not trained on"] : []),
			...(skipped.length > 0
				? [`skipped ${skipped.length} that cannot be decoded: ${skipped.slice(0, 5).join(", ")}`]
				: []),
		],
	};
}

function labelOf(folder: string | undefined, labels: readonly string[], path: string): number {
	if (folder === undefined) {
		throw new Mistake(`${path}: has pictures outside of class folders; expected folders called ${labels.join(", ")}`);
	}
	const label = labels.indexOf(folder);
	if (label < 0) {
		throw new Mistake(
			`${path}: has a folder ${folder}, a class that the model does not know; expected ${labels.join(", ")}`,
		);
	}
	return label;
}

/** Folders are checked by themselves, since one without a picture does not show in the list of pictures. */
async function checkClasses(path: string, labels: readonly string[]): Promise<void> {
	const found = await stat(path).catch((cause) => {
		throw new Mistake(`${path}: cannot be read (${cause.code}); expected a folder of class folders, or a zip of one`, {
			cause,
		});
	});
	if (!found.isDirectory()) return;
	for (const entry of await readdir(path, { withFileTypes: true })) {
		if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
		labelOf(entry.name, labels, path);
		if ((await readdir(join(path, entry.name))).length === 0) {
			throw new Mistake(`${join(path, entry.name)}: is empty; expected pictures of the class, or no such folder`);
		}
	}
}
