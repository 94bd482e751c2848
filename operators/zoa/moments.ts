import { combination, type Vector } from "./vector.js";

/** Per-channel mean and variance [E]. */
export interface Moments {
	readonly mean: Vector;
	readonly variance: Vector;
}

/** Per-channel mean, then mean square, one after the other [2,E]: adds up over frames, unlike a variance. */
export type RawMoments = Vector;

/** Raw moments of several sets of equal size together. */
export const pooled = (parts: readonly RawMoments[]): RawMoments =>
	combination(new Float64Array(parts.length).fill(1 / parts.length), parts);

/** Means and variances of raw moments over `count` values a channel; `count` makes the variance the unbiased one. */
export const moments = (raw: RawMoments, count = Number.POSITIVE_INFINITY): Moments => {
	const channels = raw.length / 2;
	const unbiased = Number.isFinite(count) && count > 1 ? count / (count - 1) : 1;
	const mean = raw.slice(0, channels);
	const variance = new Float32Array(channels);
	for (let c = 0; c < channels; c++) variance[c] = Math.max(0, raw[channels + c] - mean[c] * mean[c]) * unbiased;
	return { mean, variance };
};

/** Some channels of raw moments, as raw moments. */
export const channelsOf = (raw: RawMoments, first: number, count: number): RawMoments => {
	const all = raw.length / 2;
	const part = new Float32Array(2 * count);
	part.set(raw.subarray(first, first + count));
	part.set(raw.subarray(all + first, all + first + count), count);
	return part;
};

/** Keeps variances at or above a share of a reference's, so that a black frame is a large score and not an infinite one. */
export const floored = ({ mean, variance }: Moments, reference: Moments, share = 1e-3): Moments => {
	const kept = new Float32Array(variance.length);
	for (let c = 0; c < kept.length; c++) kept[c] = Math.max(variance[c], share * reference.variance[c]);
	return { mean, variance: kept };
};

const STABILITY = 1e-8;

/**
 * Shift score D: the symmetric Kullback–Leibler divergence between two sets of per-channel Gaussians, averaged over
 * channels (zoa.md, step 2; after "Detecting Shift" in arXiv 2508.02180). 0 for equal moments, without unit.
 */
export const shiftScore = (a: Moments, b: Moments): number => {
	let sum = 0;
	for (let c = 0; c < a.mean.length; c++) {
		const gap = (a.mean[c] - b.mean[c]) ** 2;
		sum += (a.variance[c] + gap) / (2 * (b.variance[c] + STABILITY)) - 0.5;
		sum += (b.variance[c] + gap) / (2 * (a.variance[c] + STABILITY)) - 0.5;
	}
	return sum / a.mean.length;
};
