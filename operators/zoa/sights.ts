import { scoreInAnyLight, type Yardstick } from "./exposure.js";
import type { Moments } from "./moments.js";

/** Something that a camera shows in a domain, such as the empty road or the road with a lorry on it. */
export interface Sight {
	readonly stem: Moments;
	/** Frames that it is the mean of. */
	readonly frames: number;
}

/** Sights that are kept of a domain. */
const SIGHTS = 24;

/** Shift score to the sight that a stem resembles most. */
export const scoreAmong = (sights: readonly Sight[], stem: Moments, yardstick: Yardstick): number =>
	Math.min(...sights.map((sight) => scoreInAnyLight(stem, sight.stem, yardstick)));

/** All frames of both: variances within and between. */
const merged = (a: Sight, b: Sight): Sight => {
	const frames = a.frames + b.frames;
	const [p, q] = [a.frames / frames, b.frames / frames];
	const mean = a.stem.mean.map((m, c) => p * m + q * b.stem.mean[c]);
	const variance = a.stem.variance.map(
		(v, c) => p * v + q * b.stem.variance[c] + p * q * (a.stem.mean[c] - b.stem.mean[c]) ** 2,
	);
	return { frames, stem: { mean, variance } };
};

/** One more sight; when there are too many, the two that resemble each other most become one. */
export const withSight = (sights: readonly Sight[], sight: Sight, yardstick: Yardstick): readonly Sight[] => {
	const all = [...sights, sight];
	if (all.length <= SIGHTS) return all;
	let nearest = Number.POSITIVE_INFINITY;
	let [a, b] = [0, 1];
	for (let i = 0; i < all.length; i++) {
		for (let j = i + 1; j < all.length; j++) {
			const score = scoreInAnyLight(all[i].stem, all[j].stem, yardstick);
			if (score < nearest) [nearest, a, b] = [score, i, j];
		}
	}
	return [...all.filter((_, i) => i !== a && i !== b), merged(all[a], all[b])];
};
