import type { Tally } from "../watch.js";
import type { Heard } from "./consumer.js";

/** One camera's frames and messages, added up over all runs. */
export interface Account {
	readonly camera: string;
	readonly frames: number;
	readonly predicted: number;
	readonly dropped: number;
	readonly received: number;
	/** Predictions that the daemon said nobody will get. */
	readonly told: number;
	readonly again: number;
	/** What does not add up, one sentence each. */
	readonly faults: readonly string[];
}

/** Holds what the daemon's processes counted against what the consumer received. */
export const accountOf = (camera: string, counted: Tally, heard: Heard): Account => {
	const faults: string[] = [];
	const { frames, predictions: predicted, dropped } = counted;
	if (frames !== predicted + dropped)
		faults.push(`${frames} frames are not ${predicted} predicted and ${dropped} dropped`);

	const told = new Set(heard.lost.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)));
	const missing = Array.from({ length: predicted }, (_, seq) => seq).filter(
		(seq) => !heard.frames.has(seq) && !told.has(seq),
	);
	if (missing.length > 0) faults.push(`${missing.length} predictions are missing, the first has seq ${missing[0]}`);
	const unknown = [...heard.frames.keys()].filter((seq) => seq >= predicted);
	if (unknown.length > 0) faults.push(`${unknown.length} predictions came that nobody counted`);

	const unseen = gapsInFrames(heard.frames);
	if (unseen > dropped) faults.push(`the frames' own numbers lack ${unseen}, more than the ${dropped} dropped`);
	const twice = [...told].filter((seq) => heard.frames.has(seq)).length;
	if (twice > 0) faults.push(`${twice} predictions came though they were said to be lost`);
	return {
		camera,
		frames,
		predicted,
		dropped,
		received: heard.frames.size,
		told: told.size,
		again: heard.again,
		faults,
	};
};

/**
 * Frames that were dropped between predictions, by the numbers the frames carry. They count from 0 each time the source is
 * opened, so a number that is not larger than the one before begins anew; what is dropped before the first frame of an
 * opening or behind its last cannot be told by them.
 */
const gapsInFrames = (frames: ReadonlyMap<number, number>): number => {
	let gaps = 0;
	let before: readonly [seq: number, frame: number] | undefined;
	for (const [seq, frame] of [...frames].sort(([a], [b]) => a - b)) {
		// A prediction in between that was lost is no dropped frame.
		if (before && frame > before[1]) gaps += Math.max(0, frame - before[1] - (seq - before[0]));
		before = [seq, frame];
	}
	return gaps;
};
