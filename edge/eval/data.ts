import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { bundled } from "../paths.js";
import { decodePictures, pictureNames } from "../prepare/calibrate/images.js";
import { openReel } from "./reel.js";

/** Labelled pictures, decoded and fitted as a camera's frames would be. */
export interface Data {
	/** Place of each one's class among the model's labels. */
	readonly labels: readonly number[];
	/** Of labels and pixels. */
	readonly hash: string;
	/** What was left out and why, sentences for people. */
	readonly remarks: readonly string[];
	/** Planes G, B, R of the one at that place. */
	picture(place: number): Promise<Uint8Array>;
	close(): Promise<void>;
}

const MOST_PICTURES = 50_000;

/**
 * Reads a folder of class folders, or a zip of one. The bundled models are never evaluated on what they were trained on: of
 * the data that the committed list of held-back pictures is about, only these are taken, whatever the model.
 * @throws {Mistake} when a class is empty or one that the model does not know, or nothing can be read
 */
export async function readData(path: string, { manifest }: Bundle): Promise<Data> {
	const { input, labels } = manifest;
	const names = new Set(await picturesAt(path, labels));
	const heldBack = (await readFile(bundled.heldBack, "utf8")).split(/\s+/).filter(Boolean);
	const present = heldBack.filter((name) => names.has(name));
	// Half of them are no coincidence; a copy of the data need not be whole.
	const isRestricted = present.length >= heldBack.length / 2;
	const chosen = new Set(isRestricted ? present : names);
	const reel = await openReel(3 * input.width * input.height);
	const classes: number[] = [];
	const skipped: string[] = [];
	const hash = createHash("sha256");
	try {
		for await (const { name, folder, pixels } of decodePictures(path, input, MOST_PICTURES, (own) => chosen.has(own))) {
			if (!pixels) {
				skipped.push(name);
				continue;
			}
			classes.push(labelOf(folder, labels, path));
			await reel.push(pixels);
			hash.update(pixels);
		}
	} catch (error) {
		await reel.close();
		throw error;
	}
	return {
		labels: classes,
		hash: hash.update(JSON.stringify(classes)).digest("hex"),
		remarks: [
			`${classes.length} pictures of ${new Set(classes).size} classes`,
			...(isRestricted ? ["only those that the bundled models were not trained on"] : []),
			...(skipped.length > 0
				? [`skipped ${skipped.length} that cannot be decoded: ${skipped.slice(0, 5).join(", ")}`]
				: []),
		],
		picture: async (place) => (await reel.read(place, 1))[0],
		close: reel.close,
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

/** Names of the pictures; folders are checked by themselves, since one without a picture does not show in the names. */
async function picturesAt(path: string, labels: readonly string[]): Promise<string[]> {
	const found = await stat(path).catch((cause) => {
		throw new Mistake(`${path}: cannot be read (${cause.code}); expected a folder of class folders, or a zip of one`, {
			cause,
		});
	});
	const names = await pictureNames(path);
	if (!found.isDirectory()) {
		if (names.length > 0) return names;
		throw new Mistake(
			`${path}: has no pictures; expected a folder of class folders, a zip of one, or a video with its .labels.json beside it`,
		);
	}
	for (const entry of await readdir(path, { withFileTypes: true })) {
		if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
		labelOf(entry.name, labels, path);
		if (!names.some((name) => name.startsWith(`${entry.name}/`))) {
			throw new Mistake(`${join(path, entry.name)}: is empty; expected pictures of the class, or no such folder`);
		}
	}
	return names;
}
