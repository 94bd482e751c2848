/** A histogram over all of ℝ whose bins double in width when a value lies outside. */
export interface Histogram {
	/** Bins cover [−reach, reach). */
	readonly reach: number;
	/** How many values fell into each bin; exact zeros are not in here. */
	readonly bins: Float64Array;
	/** How many values were exactly zero: every grid has a zero, so that rounding costs them nothing. */
	readonly zeros: number;
	/** Smallest and largest value; +∞ and −∞ while there is none. */
	readonly min: number;
	readonly max: number;
}

const BINS = 4096;

export const emptyHistogram = (): Histogram => ({
	reach: 2 ** -10,
	bins: new Float64Array(BINS),
	zeros: 0,
	min: Number.POSITIVE_INFINITY,
	max: Number.NEGATIVE_INFINITY,
});

/** The histogram with more values in it, those that are not finite left out; `histogram`'s bins are reused. */
export function count(histogram: Histogram, values: Float32Array): Histogram {
	let { reach, min, max, zeros } = histogram;
	const { bins } = histogram;
	for (const value of values) {
		if (!Number.isFinite(value)) continue;
		if (value < min) min = value;
		if (value > max) max = value;
	}
	while (max >= reach || min < -reach) {
		// Two neighbours become one, around the middle.
		const half = BINS / 2;
		const wide = new Float64Array(BINS);
		for (let i = 0; i < BINS; i++) wide[half / 2 + (i >> 1)] += bins[i];
		bins.set(wide);
		reach *= 2;
	}
	const scale = BINS / (2 * reach);
	for (const value of values) {
		if (value === 0) zeros++;
		else if (Number.isFinite(value)) bins[Math.floor((value + reach) * scale)]++;
	}
	return { reach, bins, zeros, min, max };
}

/** Smallest and largest value that an activation keeps when it becomes a byte; both sides of zero. */
export interface Range {
	readonly min: number;
	readonly max: number;
}

/** How a range is chosen: to hold every value, all but a few, or for the smallest squared error. */
export type RangeMethod = "min-max" | "percentile" | "mse";

/**
 * The share of an activation's values that `percentile` may clip, on each side. On the model trained for the demo the largest
 * logit error is 0.04 without clipping, 0.05 with 1e-6 to 1e-4 and 0.13 with 1e-3: what fog and night move needs the room.
 */
const CLIPPED = 1e-6;

/**
 * The range that an activation is rounded in. Without any value it is empty, 0 to 0.
 * @param levels how many values the grid has that it is rounded to: 256, 64 or 16; only `mse` asks
 */
export function rangeOf(histogram: Histogram, method: RangeMethod, levels: number): Range {
	if (method === "percentile") return withoutOutermost(histogram, CLIPPED);
	if (method === "mse") return leastSquares(histogram, levels);
	return extremes(histogram);
}

const extremes = ({ min, max }: Histogram): Range => ({ min: Math.min(0, min), max: Math.max(0, max) });

/** The range outside of which at most the share `outside` of the values lies, on each side. */
function withoutOutermost(histogram: Histogram, outside: number): Range {
	const { reach, zeros } = histogram;
	const bins = histogram.bins.slice();
	bins[BINS / 2] += zeros;
	const width = (2 * reach) / BINS;
	const limit = bins.reduce((sum, n) => sum + n, 0) * outside;
	let low = 0;
	for (let sum = bins[0]; sum <= limit && low < BINS - 1; sum += bins[++low]);
	let high = BINS - 1;
	for (let sum = bins[high]; sum <= limit && high > 0; sum += bins[--high]);
	const { min, max } = extremes(histogram);
	// Where a bin ends beyond the last value, nothing is gained by its rest.
	return {
		min: Math.max(min, Math.min(0, low * width - reach)),
		max: Math.min(max, Math.max(0, (high + 1) * width - reach)),
	};
}

/** Factors that both ends are tried with, from all of it down to a bin's width, two to an octave. */
const COARSE = Array.from({ length: 25 }, (_, i) => 2 ** (-i / 2));
/** Factors around the best so far: within a step of the coarse ones, then within a step of these. */
const FINE = [...around(1 / 8, 4), ...around(1 / 64, 7)];
const SWEEPS = 3;

function around(octaves: number, steps: number): number[] {
	return Array.from({ length: 2 * steps + 1 }, (_, i) => 2 ** ((i - steps) * octaves));
}

/**
 * The range with the smallest expected squared error, rounding and clipping together. Both ends shrink, first together, then
 * in turns: coarsely, because with few levels there may be more than one minimum, then finely. About 300 ranges are tried.
 */
function leastSquares(histogram: Histogram, levels: number): Range {
	const widest = extremes(histogram);
	if (widest.min === widest.max) return widest;
	const error = squaredError(histogram, levels);
	let best = onGrid(widest, levels);
	let least = error(best);
	const attempt = (range: Range) => {
		if (range.min < widest.min || range.max > widest.max || range.min === range.max) return;
		const candidate = onGrid(range, levels);
		const found = error(candidate);
		if (found >= least) return;
		best = candidate;
		least = found;
	};
	for (const factor of COARSE) attempt({ min: factor * widest.min, max: factor * widest.max });
	untilNoBetter(() => {
		for (const factor of COARSE) attempt({ min: best.min, max: factor * widest.max });
		for (const factor of COARSE) attempt({ min: factor * widest.min, max: best.max });
		return least;
	});
	untilNoBetter(() => {
		const { min, max } = best;
		for (const factor of FINE) attempt({ min, max: factor * max });
		const top = best.max;
		for (const factor of FINE) attempt({ min: factor * min, max: top });
		return least;
	});
	return best;
}

/** Sweeps until a sweep does not lower the error, or often enough. */
function untilNoBetter(sweep: () => number): void {
	let last = Number.POSITIVE_INFINITY;
	for (let i = 0; i < SWEEPS; i++) {
		const error = sweep();
		if (error >= last) return;
		last = error;
	}
}

/** The nearest range whose ends and zero are all on one grid of `levels` values, as they are once it is rounded to. */
function onGrid({ min, max }: Range, levels: number): Range {
	const step = (max - min) / (levels - 1);
	const below = Math.round(-min / step);
	return { min: -below * step, max: (levels - 1 - below) * step };
}

/**
 * Total squared error of rounding a histogram's values to a grid, values taken as evenly spread over their bin: exact where a
 * step is narrower than a bin and where, with few levels, most values lie within one step around zero.
 */
function squaredError(histogram: Histogram, levels: number): (range: Range) => number {
	const bins = filledBins(histogram);
	return ({ min, max }) => {
		const step = (max - min) / (levels - 1);
		const lowest = Math.round(min / step);
		const highest = lowest + levels - 1;
		const cube = step ** 3;
		/** ∫ (v − rounded v)² dv from 0 to `value`, zero being on the grid. */
		const integral = (value: number) => {
			const nearest = Math.max(lowest, Math.min(highest, Math.round(value / step)));
			const rest = value / step - nearest;
			return cube * (nearest / 12 + (rest * rest * rest) / 3);
		};
		let total = 0;
		let end = Number.NaN;
		let reached = 0;
		for (const { from, to, density } of bins) {
			const start = from === end ? reached : integral(from);
			end = to;
			reached = integral(to);
			total += density * (reached - start);
		}
		return total;
	};
}

/** Where values were seen, at most 4096 stretches in order, and how many in one unit of their length. */
function filledBins({ reach, bins, min, max }: Histogram): { from: number; to: number; density: number }[] {
	const width = (2 * reach) / BINS;
	// A bin that holds one and the same value is left a little of its width to divide by.
	const least = width / 1024;
	const filled: { from: number; to: number; density: number }[] = [];
	for (const [i, values] of bins.entries()) {
		if (values === 0) continue;
		const from = Math.max(min, i * width - reach);
		const to = Math.max(from + least, Math.min(max, (i + 1) * width - reach));
		filled.push({ from, to, density: values / (to - from) });
	}
	return filled;
}
