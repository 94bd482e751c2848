import type { Source } from "../../../operators/types.js";
import { batches, largest, type Prepared, rowOf, type Sample } from "./samples.js";

export type Statistics = Omit<Source, "affine" | "head">;

/**
 * The source's statistics as the prepared model itself sees them, at least two samples given.
 * A sample without a label counts for the class that is predicted; a class without samples gets the overall moments.
 * @param classes how many are told apart: all, or 1
 */
export async function gatherStatistics(
	prepared: Prepared,
	samples: readonly Sample[],
	classes: number,
): Promise<Statistics> {
	const tallies = { taps: tally(classes), features: tally(classes), stem: tally(classes), sites: tally(classes) };
	const squares = tally(classes);
	let at = 0;
	for await (const [size, outputs] of batches(prepared, samples)) {
		for (let i = 0; i < size; i++) {
			const own = samples[at++].label;
			const label = classes === 1 ? 0 : (own ?? largest(rowOf(outputs, "logits", i, size)));
			for (const [name, sums] of Object.entries(tallies)) sums.add(label, rowOf(outputs, name, i, size));
			squares.add(
				label,
				rowOf(outputs, "taps", i, size).map((value) => value * value),
			);
		}
	}
	const { taps, features, stem, sites } = tallies;
	const tapMean = taps.overall();
	const variance = squares.overall().map((square, i) => (Math.max(0, square - tapMean[i] ** 2) * at) / (at - 1));
	return {
		tapMean: Float32Array.from(tapMean),
		tapDeviation: Float32Array.from(variance, Math.sqrt),
		features: Float32Array.from(features.overall()),
		stem: Float32Array.from(stem.overall()),
		sites: Float32Array.from(sites.overall()),
		stemByClass: stem.byClass(),
		sitesByClass: sites.byClass(),
	};
}

/** Adds rows up, for each class apart. */
function tally(classes: number) {
	const counts = new Float64Array(classes);
	let sums: Float64Array[] = [];
	const overall = () => {
		const rows = counts.reduce((total, own) => total + own, 0);
		return Float64Array.from(sums[0], (_, i) => sums.reduce((total, sum) => total + sum[i], 0) / rows);
	};
	return {
		add(label: number, row: Float32Array) {
			if (sums.length === 0) sums = Array.from({ length: classes }, () => new Float64Array(row.length));
			counts[label]++;
			for (let i = 0; i < row.length; i++) sums[label][i] += row[i];
		},
		overall,
		byClass() {
			const mean = overall();
			const result = new Float32Array(classes * mean.length);
			for (const [label, sum] of sums.entries()) {
				result.set(counts[label] > 0 ? sum.map((value) => value / counts[label]) : mean, label * mean.length);
			}
			return result;
		},
	};
}

/** Numbers of `sitesByClass` at most: 64 MB of float32. */
const MOST_MOMENTS = 2 ** 24;
/** Frames of a class on average from which on its own moments say something. */
const FEWEST_OF_A_CLASS = 4;

/** For how many classes moments are worth telling apart: all, or 1. */
export const classesApart = (classes: number, channels: number, frames: number): number =>
	frames >= FEWEST_OF_A_CLASS * classes && 2 * classes * channels <= MOST_MOMENTS ? classes : 1;
