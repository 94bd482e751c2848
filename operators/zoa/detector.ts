import { type Moments, shiftScore } from "./moments.js";
import { allFinite, toward } from "./vector.js";

/** What the detector takes the present domain's stem to look like. */
export interface Detector {
	readonly reference: Moments | undefined;
	/** Frames that have gone into the reference. */
	readonly frames: number;
	/** Frames in a row, up to the last, that were unlike it. */
	readonly odd: number;
}

export const blankDetector: Detector = { reference: undefined, frames: 0, odd: 0 };

/** Frames in a row that must be unlike the domain before it counts as another one: a passing vehicle is not a change. */
export const PERSISTENCE = 32;

/**
 * Share of the source's variance under which a channel's variance does not fall in a comparison: on an empty road the
 * variances are so small that the first car to come would be a change of domain.
 */
export const VARIANCE_FLOOR = 0.2;

/** Shift score between the domain so far and a batch's stem; undefined while there is no domain yet. */
export const scoreOf = ({ reference }: Detector, stem: Moments): number | undefined =>
	reference && shiftScore(stem, reference);

/** The running average moved toward a batch's stem by `weight`; a blank one takes the batch as it is. */
export const moved = ({ reference, frames }: Detector, stem: Moments, count: number, weight: number): Detector => ({
	frames: frames + count,
	odd: 0,
	reference: reference
		? {
				mean: toward(reference.mean, stem.mean, weight),
				variance: toward(reference.variance, stem.variance, weight),
			}
		: stem,
});

/** Published: 0.8·(m,s) + 0.2·(μ,v), once for each batch of 64 (zoa.md, step 2). */
export const PUBLISHED_WEIGHT = 0.2;
const PUBLISHED_BATCH = 64;

/**
 * The same average for batches of any size: the published forgetting per frame, and a plain mean over the first
 * frames, since the first small batch of a domain may show a single vehicle.
 */
export const followed = (detector: Detector, stem: Moments, count: number): Detector => {
	const forgetting = 1 - (1 - PUBLISHED_WEIGHT) ** (count / PUBLISHED_BATCH);
	return moved(detector, stem, count, Math.max(forgetting, count / (detector.frames + count)));
};

/** What a batch is taken for, and what is then known of the domain; after a change that is the new one. */
export interface Judgement {
	/** Shift score D; undefined while the domain has no frames yet. */
	readonly score: number | undefined;
	/** `odd`: unlike the domain, but perhaps only a lorry that fills the picture; nothing is learned from it. */
	readonly verdict: "same" | "odd" | "changed";
	readonly detector: Detector;
}

const isUsable = ({ mean, variance }: Moments) => allFinite(mean) && allFinite(variance);

/** As published, once a batch; one that is not full, as the last one of a clip, is passed over. */
export const judgedAsPublished = (
	detector: Detector,
	stem: Moments,
	count: number,
	{ threshold, window }: { readonly threshold: number; readonly window: number },
): Judgement => {
	const score = scoreOf(detector, stem);
	if (count < window) return { score, verdict: "same", detector };
	const changed = score !== undefined && score > threshold;
	const domain = changed ? blankDetector : detector;
	const next = isUsable(stem) ? moved(domain, stem, count, PUBLISHED_WEIGHT) : domain;
	return { score, verdict: changed ? "changed" : "same", detector: next };
};

/** Ours: unlike the domain for long enough. */
export const judged = (detector: Detector, stem: Moments, count: number, threshold: number): Judgement => {
	const score = scoreOf(detector, stem);
	if (!isUsable(stem)) return { score, verdict: "same", detector };
	if (score === undefined || !(score > threshold))
		return { score, verdict: "same", detector: followed(detector, stem, count) };
	const odd = detector.odd + count;
	if (odd < PERSISTENCE) return { score, verdict: "odd", detector: { ...detector, odd } };
	return { score, verdict: "changed", detector: followed(blankDetector, stem, count) };
};
