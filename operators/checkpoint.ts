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
			await bank.checkpoint(checkpointOf(step.knowledge));
		}
		return step;
	});
};
