import type { Vector } from "./vector.js";

/*
 * How often a picture is smoothed before the stem sees it is a parameter of the model like the scales and biases, and follows
 * these as the last entry of θ. Noise is strongest where pictures show little, between neighbouring pixels, and no scale or
 * bias of a channel can tell the two apart.
 */

/** Smoothings that θ, or a difference of θ's, has as its last entry. */
export const smoothingOf = (theta: Vector): number => theta[theta.length - 1];

/** The scales and biases [P − 1] of a θ, or of a difference of θ's, as a view. */
export const affinePart = (theta: Vector): Vector => theta.subarray(0, theta.length - 1);

/** More would leave next to nothing of a picture. */
const MOST = 16;

/** Whether pictures can be smoothed so often. */
export const isSmoothing = (times: number): boolean => Number.isInteger(times) && times >= 0 && times <= MOST;

/** The same scales and biases with other smoothings. */
export const withSmoothing = (theta: Vector, times: number): Vector => {
	const other = theta.slice();
	other[other.length - 1] = times;
	return other;
};

/** What was kept before pictures were smoothed lacks the last entry: it came in pairs of scale and bias, so P is odd. */
export const whole = (kept: Vector): Vector => (kept.length % 2 === 0 ? unsmoothed(kept) : kept);

/** θ [P] of scales and biases [P − 1], for pictures as they are. */
export const unsmoothed = (affine: Vector): Vector => {
	const theta = new Float32Array(affine.length + 1);
	theta.set(affine);
	return theta;
};

/**
 * Pictures' planes of width × height bytes smoothed in place, so often: each time every pixel becomes the mean of its
 * neighbourhood with the weights (1 2 1)/4 in both directions, a binomial filter of variance ½. Beyond the border the border
 * goes on.
 */
export const smooth = (pixels: Uint8Array, width: number, height: number, times: number): void => {
	// Every batch comes here, and most are taken as they are.
	if (times === 0) return;
	const sums = new Uint16Array(width * height);
	for (let time = 0; time < times; time++)
		for (let from = 0; from < pixels.length; from += sums.length)
			smoothPlane(pixels.subarray(from, from + sums.length), sums, width);
};

const smoothPlane = (plane: Uint8Array, sums: Uint16Array, width: number): void => {
	for (let row = 0; row < sums.length; row += width) {
		let before = plane[row];
		for (let at = row; at < row + width; at++) {
			const own = plane[at];
			sums[at] = before + 2 * own + (at + 1 < row + width ? plane[at + 1] : own);
			before = own;
		}
	}
	for (let row = 0; row < sums.length; row += width) {
		const above = row === 0 ? 0 : -width;
		const below = row + width < sums.length ? width : 0;
		for (let at = row; at < row + width; at++)
			plane[at] = (sums[at + above] + 2 * sums[at] + sums[at + below] + 8) >> 4;
	}
};
