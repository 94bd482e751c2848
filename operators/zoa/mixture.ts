import { type Moments, moments, pooled, type RawMoments, shiftScore } from "./moments.js";

/** Mean shift score between frames and all of them together, from which on they are not of one kind. */
const APART = 1.5;

/**
 * Whether frames, as their stems' raw moments [2,E] show them, were taken in different conditions: no parameters fit all of
 * them. `ready` prepares moments for comparison.
 */
export const isMixture = (frames: readonly RawMoments[], ready: (moments: Moments) => Moments): boolean => {
	const together = ready(moments(pooled(frames)));
	const apart = frames.reduce((sum, raw) => sum + shiftScore(ready(moments(raw)), together), 0);
	return apart / frames.length > APART;
};
