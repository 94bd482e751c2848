import { floored, type Moments } from "./moments.js";
import type { Vector } from "./vector.js";

/** What a camera's stem is compared by, per channel [E]. */
export interface Yardstick {
	/** What the first convolution gives for a black picture: it is linear in the light above that. */
	readonly black: Vector;
	/** What the stem is like where the model was calibrated. */
	readonly source: Moments;
}

/**
 * Share of the source's variance under which a channel's variance does not fall in a comparison: on an empty road the
 * variances are so small that the first car to come would be a change of domain.
 */
const VARIANCE_FLOOR = 0.2;

/** An automatic exposure's steps: the light may be multiplied by up to so much, or divided by it. */
const MOST_GAIN = 1.33;

const floorOf = ({ source }: Yardstick, c: number) => VARIANCE_FLOOR * source.variance[c];

/** A stem with its variances as they are compared. */
export const comparable = (stem: Moments, { source }: Pick<Yardstick, "source">): Moments =>
	floored(stem, source, VARIANCE_FLOOR);

/** The gain that brings the means of `from` nearest to those of `to`, weighted least squares over channels. */
const gainBetween = (from: Moments, to: Moments, yardstick: Yardstick): number => {
	let product = 0;
	let square = 0;
	for (let c = 0; c < from.mean.length; c++) {
		const x = from.mean[c] - yardstick.black[c];
		const weight = 1 / Math.max(to.variance[c], floorOf(yardstick, c));
		product += weight * x * (to.mean[c] - yardstick.black[c]);
		square += weight * x * x;
	}
	return square > 0 ? Math.max(1 / MOST_GAIN, Math.min(MOST_GAIN, product / square)) : 1;
};

/**
 * Shift score D between a stem and another that may have been exposed differently, which is no change of condition: with
 * x → gain·x of every pixel, mean and deviation move away from black by the same gain. In one loop, since every batch is
 * compared with all that its camera has shown.
 */
export const scoreInAnyLight = (stem: Moments, other: Moments, yardstick: Yardstick): number => {
	const gain = gainBetween(other, stem, yardstick);
	let sum = 0;
	for (let c = 0; c < stem.mean.length; c++) {
		const black = yardstick.black[c];
		const variance = Math.max(stem.variance[c], floorOf(yardstick, c));
		const relit = Math.max(gain * gain * other.variance[c], floorOf(yardstick, c));
		const gap = (stem.mean[c] - black - gain * (other.mean[c] - black)) ** 2;
		sum += (variance + gap) / (2 * relit) + (relit + gap) / (2 * variance) - 1;
	}
	return sum / stem.mean.length;
};
