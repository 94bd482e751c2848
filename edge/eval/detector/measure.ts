import type { Settings } from "../../../operators/settings.js";
import type { Bundle } from "../../../operators/types.js";
import type { Yardstick } from "../../../operators/zoa/exposure.js";
import type { RawMoments } from "../../../operators/zoa/moments.js";
import type { Severity } from "../image.js";
import { randomOf } from "../random.js";
import { streams } from "../streams.js";
import type { Looks } from "./looks.js";
import { clean, HOUR } from "./script.js";
import { type Reel, SEVERITIES } from "./stems.js";
import { type Watch, watch } from "./watch.js";

/** Frames of a window: what the targets are said in. */
const WINDOW = 64;
/** Frames that a camera has run, events and all, before a condition changes: at least, and at most. */
const BEFORE = [1024, 4096] as const;
/** A change that has not been seen after so many frames was missed; drift grows for as long. */
const PATIENCE = 10 * WINDOW;

/** Settings and what the detector is asked about. */
export interface Question {
	readonly bundle: Bundle;
	readonly yardstick: Yardstick;
	readonly settings: Settings;
	readonly looks: Looks;
	readonly seed: number;
}

/** Changes that were none. */
export interface FalseAlarms {
	readonly stream: string;
	readonly alarms: number;
	readonly frames: number;
}

/** How long one change of condition went unseen. */
export interface Delay {
	readonly reel: string;
	readonly corruption: string;
	/** `drift`: from 1 to 5. */
	readonly severity: Severity | "drift";
	/** Frames from its beginning to the end of the batch in which it was seen; undefined: missed. */
	readonly frames: number | undefined;
}

const learningOf = ({ settings }: Question) => {
	if (!settings.learning) throw new Error("a detector belongs to learning");
	return settings.learning;
};

const begun = (question: Question): Watch => watch(question.bundle, question.yardstick, learningOf(question));

function batches<T>(items: Iterator<T>, size: number, frames: number, use: (batch: T[], from: number) => void): void {
	for (let from = 0; from < frames; from += size) {
		use(
			Array.from({ length: size }, () => items.next().value as T),
			from,
		);
	}
}

const dayOf = ({ looks }: Question, { clean: frames }: Reel, random: () => number) =>
	clean({ frames: frames.length, emptiest: emptiest(frames.map((stems) => stems[looks.still])) }, looks, random);

/** The frame with the least to see: whose stem varies least from place to place. */
function emptiest(stems: readonly RawMoments[]): number {
	const channels = stems[0].length / 2;
	const spread = stems.map((stem) =>
		stem.subarray(channels).reduce((sum, square, c) => sum + square - stem[c] ** 2, 0),
	);
	return spread.indexOf(Math.min(...spread));
}

/** Hours of ordinary footage in which nothing changes. */
export function falseAlarms(question: Question, reel: Reel, hours: number): FalseAlarms {
	const day = dayOf(question, reel, randomOf(question.seed, 1));
	const watching = begun(question);
	let alarms = 0;
	batches(day, question.settings.batch.frames, hours * HOUR, (moments) => {
		if (watching.sees(moments.map(({ frame, look }) => reel.clean[frame][look]))) alarms++;
	});
	return { stream: reel.name, alarms, frames: hours * HOUR };
}

/** Streams whose content is correlated, all in one condition. */
const CORRELATED = ["sorted", "dirichlet", "one-class"];

/** Labelled pictures in the orders of the evaluation's streams: what is in view is not the condition. */
export function falseAlarmsOnContent(
	question: Question,
	data: { readonly stems: readonly RawMoments[]; readonly labels: readonly number[] },
	hours: number,
): FalseAlarms[] {
	return streams
		.filter(({ name }) => CORRELATED.includes(name))
		.map((stream) => {
			const watching = begun(question);
			let alarms = 0;
			const pictures = (function* () {
				for (let visit = 0; ; visit++) {
					const wanted = { labels: data.labels, domains: [], frames: 1024, seed: question.seed * 1000 + visit };
					for (const segment of stream.segments(wanted)) yield* segment.pictures;
				}
			})();
			batches(pictures, question.settings.batch.frames, hours * HOUR, (places) => {
				if (watching.sees(places.map((place) => data.stems[place]))) alarms++;
			});
			return { stream: stream.name, alarms, frames: hours * HOUR };
		});
}

/** Every corruption after a while of ordinary footage: at once at severity 3, 4 and 5, and growing from 1 to 5. */
export function delays(question: Question, reel: Reel): Delay[] {
	return [...reel.corrupted].flatMap(([corruption, stems], number) =>
		([3, 4, 5, "drift"] as const).map((severity, kind) => {
			const random = randomOf(question.seed, 2, number, kind);
			const of = (level: number, i: number) => stems[level - 1][i % stems[0].length];
			const changed = (i: number): RawMoments => {
				if (severity !== "drift") return of(severity, i);
				// Between two severities frames of both are mixed, more and more of the stronger.
				const level = 1 + ((SEVERITIES.length - 1) * i) / PATIENCE;
				return of(Math.min(SEVERITIES.length, Math.floor(level + random())), i);
			};
			return { reel: reel.name, corruption, severity, frames: delay(question, reel, changed, random) };
		}),
	);
}

/** Frames until the change is seen. */
function delay(
	question: Question,
	reel: Reel,
	changed: (i: number) => RawMoments,
	random: () => number,
): number | undefined {
	const size = question.settings.batch.frames;
	const day = dayOf(question, reel, random);
	const watching = begun(question);
	const before = BEFORE[0] + random() * (BEFORE[1] - BEFORE[0]);
	batches(day, size, before, (moments) => watching.sees(moments.map(({ frame, look }) => reel.clean[frame][look])));
	for (let i = 0; i < PATIENCE; i += size) {
		if (watching.sees(Array.from({ length: size }, (_, j) => changed(i + j)))) return i + size;
	}
	return undefined;
}
