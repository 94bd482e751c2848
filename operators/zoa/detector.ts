import { accumulated, isStrange, limitsFor } from "./cusum.js";
import { comparable, type Yardstick } from "./exposure.js";
import { type Moments, shiftScore } from "./moments.js";
import { type Sight, scoreAmong, withSight } from "./sights.js";
import { deviate, type Usual, unknownUsual, withScore } from "./usual.js";
import { allFinite, toward } from "./vector.js";

/** What the detector takes the present domain to look like. */
export interface Detector {
	/** The stem on average: what the domain is found again by, and what the published detector compares with. */
	readonly reference: Moments | undefined;
	/** Frames that have gone into the reference. */
	readonly frames: number;
	/** What the camera shows in this domain; fixed once that has settled, so that nothing drifts away unseen. */
	readonly sights: readonly Sight[];
	/** Scores that are usual for it. */
	readonly usual: Usual;
	/** That this is the domain no more. */
	readonly evidence: number;
	/** What has been strange since there is evidence: if that comes to nothing, it belongs to the domain. */
	readonly strange: readonly Sight[];
}

export const blankDetector: Detector = {
	...{ reference: undefined, frames: 0, sights: [], usual: unknownUsual, evidence: 0, strange: [] },
};

/** Frames in a row that must be unlike a domain before it counts as another one: a passing vehicle is not a change. */
export const PERSISTENCE = 32;

/**
 * Frames after which a domain has settled. Until then what gives no evidence of a change is learned from: in the first half
 * sights are gathered, in the second their scores as well.
 */
const SETTLED = 512;

/** What a batch is taken for, and what is then known of the domain; after a change that is the new one. */
export interface Judgement {
	/** Shift score D; undefined while the domain has no frames yet. */
	readonly score: number | undefined;
	/** `odd`: unlike the domain, but perhaps only a lorry that fills the picture; nothing is learned from it. */
	readonly verdict: "same" | "odd" | "changed";
	readonly detector: Detector;
}

const isUsable = ({ mean, variance }: Moments) => allFinite(mean) && allFinite(variance);

/**
 * Compares a batch of `count` frames with what the domain has shown, in any light; what is unlike that for long enough
 * is another domain. How unlike is judged by the scores that are usual for the camera.
 */
export const judged = (
	detector: Detector,
	stem: Moments,
	count: number,
	yardstick: Yardstick,
	falseAlarms: number,
): Judgement => {
	const sight = { stem, frames: count };
	if (!isUsable(stem)) return { score: undefined, verdict: "same", detector };
	if (detector.sights.length === 0) return { score: undefined, verdict: "same", detector: begun(sight, yardstick) };
	const score = scoreAmong(detector.sights, stem, yardstick);
	const settled = detector.frames >= SETTLED;
	const limits = limitsFor(falseAlarms, PERSISTENCE);
	const z = deviate(detector.usual, score);
	const evidence = accumulated(detector.evidence, z, count, limits);
	if (evidence >= limits.sum) return { score, verdict: "changed", detector: begun(sight, yardstick) };
	if (isStrange(z, count, limits)) {
		const strange = withSight(detector.strange, sight, yardstick);
		return { score, verdict: "odd", detector: { ...detector, evidence, strange } };
	}
	const known = evidence === 0 ? reconciled(detector, yardstick) : detector;
	const next = followed({ ...known, evidence }, comparable(stem, yardstick), count);
	if (settled || evidence > 0) return { score, verdict: "same", detector: next };
	return {
		score,
		verdict: "same",
		detector: {
			...next,
			sights: withSight(next.sights, sight, yardstick),
			usual: detector.frames < SETTLED / 2 ? next.usual : withScore(next.usual, score),
		},
	};
};

const begun = (sight: Sight, yardstick: Yardstick): Detector => ({
	...followed(blankDetector, comparable(sight.stem, yardstick), sight.frames),
	sights: [sight],
});

/** What was strange and has passed is a sight like any other. */
const reconciled = (detector: Detector, yardstick: Yardstick): Detector => ({
	...detector,
	sights: detector.strange.reduce((sights, sight) => withSight(sights, sight, yardstick), detector.sights),
	strange: [],
});

/** Shift score between the domain so far and a batch's stem; undefined while there is no domain yet. */
export const scoreOf = ({ reference }: Pick<Detector, "reference">, stem: Moments): number | undefined =>
	reference && shiftScore(stem, reference);

/** The running average moved toward a batch's stem by `weight`; a blank one takes the batch as it is. */
export const moved = (detector: Detector, stem: Moments, count: number, weight: number): Detector => ({
	...detector,
	frames: detector.frames + count,
	reference: detector.reference
		? {
				mean: toward(detector.reference.mean, stem.mean, weight),
				variance: toward(detector.reference.variance, stem.variance, weight),
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
const followed = (detector: Detector, stem: Moments, count: number): Detector => {
	const forgetting = 1 - (1 - PUBLISHED_WEIGHT) ** (count / PUBLISHED_BATCH);
	return moved(detector, stem, count, Math.max(forgetting, count / (detector.frames + count)));
};

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
