import { openBundle } from "../../../adapters/bundle.js";
import { openModel } from "../../../adapters/model.js";
import { yardstickOf } from "../../../operators/detect.js";
import type { Model } from "../../../operators/types.js";
import { defaultThreads } from "../../settings.js";
import { corruptionOf } from "../corruptions/corruptions.js";
import { type Data, readData } from "../data.js";
import { settingsWith } from "../methods/piped.js";
import { randomOf } from "../random.js";
import { looksOf } from "./looks.js";
import { type Delay, delays, type FalseAlarms, falseAlarms, falseAlarmsOnContent, type Question } from "./measure.js";
import { type Findings, json, text } from "./report.js";
import { reels, stemsOf } from "./stems.js";

export interface DetectorOptions {
	/** Folders of bundles. */
	readonly model: readonly string[];
	/** Labelled pictures, for streams whose content is correlated. */
	readonly data?: string;
	readonly corruptions: readonly string[];
	/** Of each view of each clip. */
	readonly hours: number;
	readonly seed: number;
	readonly json?: boolean;
	readonly signal: AbortSignal;
}

/**
 * `acclimate eval-detector`: how often the daemon's detector takes ordinary footage for a change of condition, and how
 * long it takes to see a real one.
 */
export async function detectorCommand(clips: readonly string[], options: DetectorOptions): Promise<void> {
	for (const name of options.corruptions) corruptionOf(name);
	for (const folder of options.model) {
		const found = await measured(folder, clips, options);
		if (!found) return;
		process.stdout.write(options.json ? `${JSON.stringify(json(found))}\n` : `${text(found)}\n\n`);
	}
}

/** Undefined when it was stopped. */
async function measured(
	folder: string,
	clips: readonly string[],
	{ data: path, corruptions, hours, seed, json: quiet, signal }: DetectorOptions,
): Promise<Findings | undefined> {
	const bundle = await openBundle(folder);
	const looks = looksOf(randomOf(seed, 0));
	const settings = settingsWith("zoa", { seed, window: 64 });
	const alarms: FalseAlarms[] = [];
	const delayed: Delay[] = [];
	const model = await openModel(bundle, { threads: defaultThreads() });
	try {
		const question: Question = { bundle, yardstick: await yardstickOf(model), settings, looks, seed };
		for (const clip of clips) {
			for await (const reel of reels(clip, model, looks, corruptions, seed)) {
				if (signal.aborted) return undefined;
				alarms.push(falseAlarms(question, reel, hours));
				delayed.push(...delays(question, reel));
				if (!quiet) process.stderr.write(`${bundle.manifest.name}: ${reel.name}\n`);
			}
		}
		if (path !== undefined) {
			const data = await readData(path, bundle);
			try {
				alarms.push(...falseAlarmsOnContent(question, await shownTo(model, data), hours));
			} finally {
				await data.close();
			}
		}
	} finally {
		await model.close();
	}
	return { model: bundle.manifest.name, alarms, delays: delayed };
}

/** The stem of each labelled picture. */
async function shownTo(model: Model, { labels, picture }: Data) {
	const pixels = await Promise.all(labels.map((_, place) => picture(place)));
	return { stems: await stemsOf(pixels, model), labels };
}
