import { accuracy, assertPaired, BATCH, type Watched, watched } from "./metrics.js";
import type { Run, Seen } from "./run.js";

/** How far from its steady state a method still was when it should have settled after a change. */
export interface Settling {
	readonly domain: string;
	/** Of the window that begins then. */
	readonly frames: number;
	/**
	 * Accuracy in it minus that in the rest of the visit, minus the same with nothing done, since pictures differ. Negative:
	 * not settled.
	 */
	readonly difference: number;
}

/**
 * One of each change that the method saw and that leaves enough of the visit; of less than two windows half is compared
 * with half. None without a run of doing nothing.
 */
export const settlings = ({ frames, window }: Run, nothing?: Run): Settling[] => {
	if (!nothing) return [];
	assertPaired(frames, nothing.frames);
	return watched(frames).changes.flatMap((change) => {
		const { domain, to } = change;
		const from = settledAt(frames, change, window);
		const length = Math.min(window, Math.floor((to - from) / 2));
		if (length < BATCH) return [];
		const ahead = (all: readonly Seen[]) =>
			accuracy(all.slice(from, from + length)) - accuracy(all.slice(from + length, to));
		return [{ domain, frames: length, difference: ahead(frames) - ahead(nothing.frames) }];
	});
};

/** The frame by which it should have settled: a window after the alarm, or the batch after the domain was recognized. */
const settledAt = (frames: readonly Seen[], { domain, from, to, alarm }: Watched, window: number): number => {
	if (!alarm) return to;
	/** What it believed to be in at the end of earlier visits; at their beginning that is still the domain before. */
	const known = frames
		.slice(0, from)
		.filter((seen, i) => seen.domain === domain && seen.visit !== frames[i + 1].visit)
		.map(({ believed }) => believed);
	// What it calls the domain until it has looked it up may be a name that it gave and took back before.
	const { believed: unknown } = frames[alarm.to - 1];
	const recognized = frames
		.slice(alarm.to, alarm.to + window)
		.findIndex(({ believed }) => believed !== unknown && known.includes(believed));
	return alarm.to + (recognized < 0 ? window : recognized + BATCH);
};

/** The mean of their differences, each counted by its frames. */
export const pooled = (all: readonly Settling[]): number =>
	all.reduce((sum, { difference, frames }) => sum + difference * frames, 0) /
	all.reduce((sum, { frames }) => sum + frames, 0);
