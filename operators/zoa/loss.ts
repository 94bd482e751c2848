import { columnStatistics, entropy, meanSquaredDifference, rows, type Span, softmax, type Vector } from "./vector.js";

/** Mean and unbiased deviation of the taps [F] over a window or over the source. */
export interface TapStatistics {
	readonly mean: Vector;
	readonly deviation: Vector;
}

/** Statistics of the taps of several frames, each [F]. */
export const tapStatistics = (taps: readonly Vector[]): TapStatistics => columnStatistics(taps);

/** Mean entropy of the predictions, nats; logits are [n,C], without activation shift. */
export const meanEntropy = (logits: Vector, classes: number): number => {
	const frames = rows(logits, classes);
	return frames.reduce((sum, row) => sum + entropy(softmax(row)), 0) / frames.length;
};

/** The stages of the taps: spans over F, in order. */
export const stageSpans = (lengths: readonly number[]): Span[] =>
	lengths.map((length, i) => ({ offset: lengths.slice(0, i).reduce((a, b) => a + b, 0), length }));

/**
 * λ·(mean_f(std−σS)² + mean_f(mean−μS)²) + mean entropy, the bracket averaged over stages (zoa.md, step 3). A ViT's
 * taps, stages of one length, give the same number whether counted as one stage or as several.
 */
export const loss = (
	window: TapStatistics,
	source: TapStatistics,
	entropy: number,
	lambda: number,
	stages: readonly Span[],
): number => {
	const discrepancy = stages.reduce(
		(sum, span) =>
			sum +
			meanSquaredDifference(window.deviation, source.deviation, span) +
			meanSquaredDifference(window.mean, source.mean, span),
		0,
	);
	return (lambda * discrepancy) / stages.length + entropy;
};
