import { concatMap, type OperatorFunction } from "rxjs";
import { entered, lookedUp } from "./domains.js";
import type { Learning } from "./settings.js";
import type { Bank, Bundle, Detected, Knowledge, Recalled } from "./types.js";
import { PERSISTENCE } from "./zoa/detector.js";
import { perturbedSpans } from "./zoa/mix.js";

/** Whether enough was seen of a domain to look it up: a window or, by `zoa+`, what it took to see that it is another one. */
const isKnown = ({ detector, tuned }: Knowledge, { sweep, window }: Learning): boolean =>
	sweep ? tuned.frames >= PERSISTENCE : detector.frames >= window;

/**
 * On a change stores what is known of the old domain; once enough was seen of the new one, looks it up by its stem and takes
 * the nearest stored domain up when it is near enough.
 */
export const recall = (bank: Bank, { manifest }: Bundle, learning: Learning): OperatorFunction<Detected, Recalled> => {
	const spans = perturbedSpans(manifest.sites);
	return concatMap(async (step) => {
		const now = step.frames[step.frames.length - 1].capturedAt;
		let { knowledge } = step;
		let domainEvent: Recalled["domainEvent"];
		if (step.verdict === "changed") {
			const { put, removed, ...entry } = entered(knowledge, learning, spans, now);
			if (put) await bank.put(put);
			for (const id of removed) await bank.remove(id);
			({ knowledge } = entry);
			domainEvent = "changed";
		}
		knowledge = { ...knowledge, detector: step.detector };
		if (knowledge.domain.status === "looking" && isKnown(knowledge, learning)) {
			knowledge = lookedUp(knowledge, learning);
			domainEvent = knowledge.domain.status === "matched" ? "matched" : "new";
		}
		return { ...step, knowledge, domainEvent };
	});
};
