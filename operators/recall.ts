import { concatMap, type OperatorFunction } from "rxjs";
import { entered, lookedUp } from "./domains.js";
import type { Learning } from "./settings.js";
import type { Bank, Bundle, Detected, Recalled } from "./types.js";
import { followed, moved, PUBLISHED_WEIGHT } from "./zoa/detector.js";
import { perturbedSpans } from "./zoa/mix.js";

/**
 * On a change stores what is known of the old domain; once the new one has been seen for a window, looks it up by its
 * stem and takes the nearest stored domain up when it is near enough.
 */
export const recall = (bank: Bank, { manifest }: Bundle, settings: Learning): OperatorFunction<Detected, Recalled> => {
	const spans = perturbedSpans(manifest.sites);
	return concatMap(async (step) => {
		const now = step.frames[step.frames.length - 1].capturedAt;
		let { knowledge } = step;
		let domainEvent: Recalled["domainEvent"];
		if (step.changed) {
			const { put, removed, ...entry } = entered(knowledge, settings, spans, now);
			for (const id of removed) await bank.remove(id);
			if (put) await bank.put(put);
			({ knowledge } = entry);
			domainEvent = "changed";
		}
		const detector = settings.published
			? moved(knowledge.detector, step.stem, step.frames.length, PUBLISHED_WEIGHT)
			: followed(knowledge.detector, step.stem, step.frames.length);
		knowledge = { ...knowledge, detector };
		if (knowledge.domain.status === "looking" && detector.frames >= settings.window) {
			knowledge = lookedUp(knowledge, settings);
			domainEvent = knowledge.domain.status === "matched" ? "matched" : "new";
		}
		return { ...step, knowledge, domainEvent };
	});
};
