/** Mean and variance of ln(score + BLUR) while nothing changes. */
export interface Usual {
	readonly mean: number;
	readonly variance: number;
	/** Scores that it is made of, what is assumed before there is one included. */
	readonly weight: number;
}

/** Shift scores that differ by less are no different. */
const BLUR = 0.03;

/** Assumed of a camera of which nothing is known: until it has been seen, anything up to about 0.5 may be usual. */
export const unknownUsual: Usual = { mean: Math.log(0.06), variance: 1, weight: 2 };

/** However alike all has been so far, something new is no change. */
const LEAST_DEVIATION = 0.5;

const logarithm = (score: number) => Math.log(score + BLUR);

/** How unusual a score is, in standard deviations. */
export const deviate = ({ mean, variance }: Usual, score: number): number =>
	(logarithm(score) - mean) / Math.max(LEAST_DEVIATION, Math.sqrt(variance));

/** With one more score. */
export const withScore = ({ mean, variance, weight }: Usual, score: number): Usual => {
	const share = 1 / (weight + 1);
	const gap = logarithm(score) - mean;
	return {
		mean: mean + share * gap,
		variance: (1 - share) * (variance + share * gap ** 2),
		weight: weight + 1,
	};
};
