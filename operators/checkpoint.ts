import { concatMap, type OperatorFunction } from "rxjs";
import { checkpointOf } from "./knowledge.js";
import type { Adapted, Bank } from "./types.js";

/** Stores the camera's knowledge every so many frames, so that a restart resumes warm. */
export const checkpoint = (bank: Bank, frames: number): OperatorFunction<Adapted, Adapted> =>
	concatMap(async (step) => {
		const unstored = step.knowledge.unstored + step.frames.length;
		if (unstored < frames) return { ...step, knowledge: { ...step.knowledge, unstored } };
		// What was learned before a command is not gone back to any more.
		const knowledge = { ...step.knowledge, unstored: 0, before: undefined };
		await bank.checkpoint(checkpointOf(knowledge));
		return { ...step, knowledge };
	});
