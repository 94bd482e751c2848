import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { z } from "zod";
import { openCamera } from "../../adapters/camera.js";
import { videoFile } from "../../adapters/sources/source.js";
import type { Bundle } from "../../operators/types.js";
import type { Truth } from "../demo/truth.js";
import { Mistake } from "../mistake.js";
import type { Shot } from "./showing.js";

/** A video whose frames are labelled, as a camera films it. */
export interface Clip {
	/** The file's, without its ending: the name of the stream. */
	readonly name: string;
	/** Frames that have a label. */
	readonly frames: number;
	/** Of the video and its labels. */
	readonly hash: string;
	/** Sentences for people. */
	readonly remarks: readonly string[];
	/** @throws {Mistake} when the labels are of another video */
	shots(): AsyncGenerator<Shot>;
}

const whole = z.number().int().nonnegative();
const TRUTH = z.object({
	fps: z.number().positive(),
	region: z.tuple([whole, whole, whole, whole]),
	stretches: z.array(z.object({ weather: z.string().min(1), from: whole, to: whole })).min(1),
	frames: z.array(z.string().nullable()),
}) satisfies z.ZodType<Truth>;

/** What a clip shows stands beside it: `road.labels.json` beside `road.mp4`. */
const labelsOf = (path: string) => `${path.slice(0, path.length - extname(path).length)}.labels.json`;

/** Whether there is a file with another one that says what it shows. */
export const isClip = async (path: string): Promise<boolean> =>
	(await Promise.all([path, labelsOf(path)].map((file) => stat(file).catch(() => undefined)))).every((found) =>
		found?.isFile(),
	);

/**
 * Opens a labelled video: its region goes to the model as the daemon's camera delivers it, and its stretches of weather are
 * the domains.
 * @throws {Mistake} when the labels cannot be read, or are not of classes that the model knows
 */
export async function openClip(path: string, { manifest }: Bundle): Promise<Clip> {
	const { labels, input } = manifest;
	const { truth, text } = await readTruth(labelsOf(path));
	const unknown = truth.frames.find((label) => label !== null && !labels.includes(label));
	if (unknown !== undefined) {
		throw new Mistake(
			`${labelsOf(path)}: has the label ${unknown}, a class that the model does not know; expected ${labels.join(", ")}`,
		);
	}
	const hash = createHash("sha256").update(text);
	for await (const chunk of createReadStream(path)) hash.update(chunk);
	const facts = factsOf(truth, labels);
	const frames = facts.filter(({ label }) => label !== undefined).length;
	const name = basename(path, extname(path));
	async function* shots(): AsyncGenerator<Shot> {
		const camera = await openCamera({ source: videoFile(path), region: truth.region, ...input });
		let at = 0;
		try {
			for (let taken = await camera.take(64, 0); taken.length > 0; taken = await camera.take(64, 0)) {
				if (at + taken.length > facts.length) throw other(path, "more", facts.length);
				for (const { pixels } of taken) yield { pixels, ...facts[at++] };
			}
		} finally {
			await camera.close();
		}
		if (at < facts.length) throw other(path, String(at), facts.length);
	}
	return {
		name,
		frames,
		hash: hash.digest("hex"),
		remarks: [`${facts.length} frames of ${basename(path)}, ${frames} of them labelled`],
		shots,
	};
}

const other = (path: string, found: string, expected: number) =>
	new Mistake(
		`${labelsOf(path)}: describes ${expected} frames, and ${path} has ${found}; expected labels of this video`,
	);

async function readTruth(path: string): Promise<{ truth: Truth; text: string }> {
	const text = await readFile(path, "utf8");
	try {
		return { truth: TRUTH.parse(JSON.parse(text)), text };
	} catch (cause) {
		const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, " ") : (cause as Error).message;
		throw new Mistake(`${path}: does not say what a clip shows: ${why}`, { cause });
	}
}

/** What is known of each frame but its pixels. A frame outside of all stretches has no label. */
function factsOf({ stretches, frames }: Truth, labels: readonly string[]): Omit<Shot, "pixels">[] {
	const facts = frames.map((): Omit<Shot, "pixels"> => ({ label: undefined, domain: "", visit: -1, round: 0 }));
	for (const [visit, { weather, from, to }] of stretches.entries()) {
		const round = stretches.slice(0, visit).filter((before) => before.weather === weather).length;
		for (let i = from; i < Math.min(to, frames.length); i++) {
			const name = frames[i];
			facts[i] = { label: name === null ? undefined : labels.indexOf(name), domain: weather, visit, round };
		}
	}
	return facts;
}
