import { concatMap, type OperatorFunction } from "rxjs";
import { checkpointOf } from "./knowledge.js";
import type { Adapted, Bank } from "./types.js";

/** Stores the camera's knowledge every so many frames, so that a restart resumes warm. */
export const checkpoint = (bank: Bank, frames: number): OperatorFunction<Adapted, Adapted> => {
	let since = 0;
	return concatMap(async (step) => {
		since += step.frames.length;
		if (since >= frames) {
			since = 0;
			// What was learned before a command is not gone back to any more.
			const knowledge = { ...step.knowledge, before: undefined };
			await bank.checkpoint(checkpointOf(knowledge));
			return { ...step, knowledge };
		}
		return step;
	});
};
