import { learned, type Mix, rebased, SHARPNESS } from "./mix.js";
import { cosine, meanMagnitude, type Span, type Vector } from "./vector.js";

/** The largest mean |ε| that a vector keeps after a snapshot (zoa.md, "Remember"). */
const MARGIN = 0.01;

/** Mean cosine of two bank vectors over each site's scale and each site's bias. */
export const similarity = (a: Vector, b: Vector, spans: readonly Span[]): number =>
	spans.reduce((sum, span) => sum + cosine(a, b, span), 0) / spans.length;

/** Appends what is learned now as a bank entry, with the share that makes ε small; θ does not move (zoa.md, b–d). */
export const inserted = (mix: Mix, spans: readonly Span[]): Mix => {
	const vector = learned(mix);
	const scale = Math.max(...spans.map((span) => meanMagnitude(mix.epsilon, span))) / MARGIN;
	const largest = mix.alpha.reduce((a, b) => Math.max(a, b));
	const powers = mix.alpha.reduce((sum, a) => sum + Math.exp(SHARPNESS * a), 0);
	const needed = scale > 1 ? Math.log(powers * (scale - 1)) / SHARPNESS : Number.NEGATIVE_INFINITY;
	const alpha = Math.min(10, Math.max(-10, largest, needed));
	return rebased({ ...mix, alpha: Float32Array.of(...mix.alpha, alpha), vectors: [...mix.vectors, vector] }, vector);
};

/** Takes entry `index` (from 1) out of the bank; θ does not move. */
export const removed = (mix: Mix, index: number): Mix =>
	rebased(
		{
			...mix,
			alpha: mix.alpha.filter((_, i) => i !== index),
			vectors: mix.vectors.filter((_, i) => i !== index),
		},
		learned(mix),
	);

/** The two of `count` entries (from 0) that resemble each other most, by a measure of how much two of them do. */
export const mostSimilarPair = (count: number, resemblance: (i: number, j: number) => number): [number, number] => {
	let best: [number, number] = [0, 1];
	let highest = Number.NEGATIVE_INFINITY;
	for (let i = 0; i < count; i++)
		for (let j = i + 1; j < count; j++) {
			const value = resemblance(i, j);
			if (value > highest) [highest, best] = [value, [i, j]];
		}
	return best;
};
