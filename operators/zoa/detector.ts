import { type Moments, shiftScore } from "./moments.js";
import { toward } from "./vector.js";

/** What the detector takes the present domain's stem to look like. */
export interface Detector {
	readonly reference: Moments | undefined;
	/** Frames that have gone into the reference. */
	readonly frames: number;
}

export const blankDetector: Detector = { reference: undefined, frames: 0 };

/** Shift score between the domain so far and a batch's stem; undefined while there is no domain yet. */
export const scoreOf = ({ reference }: Detector, stem: Moments): number | undefined =>
	reference && shiftScore(stem, reference);

/** The running average moved toward a batch's stem by `weight`; a blank one takes the batch as it is. */
export const moved = ({ reference, frames }: Detector, stem: Moments, count: number, weight: number): Detector => ({
	frames: frames + count,
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
