import { type Moments, moments, pooled, type RawMoments, shiftScore } from "./moments.js";

/** Mean shift score between frames and all of them together, from which on they are not of one kind. */
const APART = 0.8;

/** Share of the frames that may look more like the source than like all of them together. */
const AT_HOME = 0.25;

/**
 * Whether frames, as their stems' raw moments [2,E] show them, were taken in different conditions, so that no parameters
 * fit all of them: they are far from each other, or some of them are nearer to the source than to the others. `ready`
 * prepares moments for comparison.
 */
export const isMixture = (
	frames: readonly RawMoments[],
	source: Moments,
	ready: (moments: Moments) => Moments,
): boolean => {
	const together = ready(moments(pooled(frames)));
	const home = ready(source);
	const away = frames.map((raw) => {
		const stem = ready(moments(raw));
		return { own: shiftScore(stem, together), home: shiftScore(stem, home) };
	});
	const mean = away.reduce((sum, { own }) => sum + own, 0) / away.length;
	return mean > APART || away.filter(({ own, home }) => home < own).length >= AT_HOME * away.length;
};
