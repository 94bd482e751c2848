import { concatMap, type OperatorFunction } from "rxjs";
import { sourceStem } from "./detect.js";
import { entered, lookedUp } from "./domains.js";
import type { Learning } from "./settings.js";
import type { Bank, Bundle, Detected, Knowledge, Recalled } from "./types.js";
import { type Detector, PERSISTENCE } from "./zoa/detector.js";
import { comparable } from "./zoa/exposure.js";
import { perturbedSpans } from "./zoa/mix.js";
import { type Moments, moments } from "./zoa/moments.js";
import { isZero } from "./zoa/vector.js";

/**
 * The stem that a domain is looked up by, once enough was seen of it: a window or, by `zoa+`, the frames that it took to see
 * that it is another one.
 */
const stemOf = ({ detector, look, tuned }: Knowledge, { sweep, window }: Learning, source: Moments) => {
	if (!sweep) return detector.frames >= window ? detector.reference : undefined;
	return look && tuned.frames >= PERSISTENCE ? comparable(moments(look), { source }) : undefined;
};

/**
 * What is known of the domain's look after a batch. In a domain with an alignment, what it looks like does not follow batches
 * that look as it does and yet more like another kind that is known in every frame, as clear pictures do where rain has been
 * learned: or the two could not be told apart later.
 */
const detectorAfter = ({ verdict, frames, strangers, detector, knowledge }: Detected): Detector => {
	const strange = strangers.reduce((count, { places }) => count + places.length, 0);
	const isOwn = verdict !== "same" || isZero(knowledge.alignment) || strange < frames.length;
	if (isOwn || knowledge.detector.frames < PERSISTENCE) return detector;
	return { ...knowledge.detector, evidence: detector.evidence };
};

/** With pictures of its latest frames alone: what is taken up is not tried on those that a candidate kept of earlier visits. */
const withLatest = (knowledge: Knowledge): Knowledge => {
	const { pictures, tuned } = knowledge;
	const kept = pictures.kept.filter(({ at }) => at > tuned.frames - PERSISTENCE);
	return { ...knowledge, pictures: { ...pictures, kept } };
};

/**
 * On a change stores what is known of the old domain; once enough was seen of the new one, looks it up by its stem and takes
 * the nearest stored domain up when it is near enough.
 */
export const recall = (bank: Bank, bundle: Bundle, learning: Learning): OperatorFunction<Detected, Recalled> => {
	const spans = perturbedSpans(bundle.manifest.sites);
	const source = sourceStem(bundle);
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
		knowledge = { ...knowledge, detector: detectorAfter(step) };
		const stem = knowledge.domain.status === "looking" ? stemOf(knowledge, learning, source) : undefined;
		if (stem) {
			const found = lookedUp(knowledge, stem, learning);
			knowledge = found.isUnproven ? withLatest(found) : found;
			domainEvent = knowledge.domain.status === "matched" ? "matched" : "new";
		}
		return { ...step, knowledge, domainEvent };
	});
};
