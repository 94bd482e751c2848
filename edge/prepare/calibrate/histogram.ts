/** A histogram over all of ℝ whose bins double in width when a value lies outside. */
export interface Histogram {
	/** Bins cover [−reach, reach). */
	readonly reach: number;
	readonly bins: Float64Array;
}

const BINS = 4096;

export const emptyHistogram = (): Histogram => ({ reach: 2 ** -10, bins: new Float64Array(BINS) });

/** The histogram with more values in it; `histogram`'s bins are reused. */
export function count(histogram: Histogram, values: Float32Array): Histogram {
	let { reach } = histogram;
	const { bins } = histogram;
	let largest = 0;
	for (const value of values) largest = Math.max(largest, Math.abs(value));
	while (largest >= reach) {
		// Two neighbours become one, around the middle.
		const half = BINS / 2;
		const wide = new Float64Array(BINS);
		for (let i = 0; i < BINS; i++) wide[half / 2 + (i >> 1)] += bins[i];
		bins.set(wide);
		reach *= 2;
	}
	const scale = BINS / (2 * reach);
	for (const value of values) bins[Math.floor((value + reach) * scale)]++;
	return { reach, bins };
}

/** Smallest and largest value that an activation keeps when it becomes a byte; both sides of zero. */
export interface Range {
	readonly min: number;
	readonly max: number;
}

/** The range outside of which at most the share `outside` of the values lies, on each side. */
export function rangeOf({ reach, bins }: Histogram, outside: number): Range {
	const width = (2 * reach) / bins.length;
	const limit = bins.reduce((sum, n) => sum + n, 0) * outside;
	let low = 0;
	for (let sum = bins[0]; sum <= limit && low < bins.length - 1; sum += bins[++low]);
	let high = bins.length - 1;
	for (let sum = bins[high]; sum <= limit && high > 0; sum += bins[--high]);
	return { min: Math.min(0, low * width - reach), max: Math.max(0, (high + 1) * width - reach) };
}
