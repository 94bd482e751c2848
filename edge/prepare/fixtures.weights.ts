import { type Draft, floats } from "./graph/graph.js";

/** Gives a graph constants with seeded values: `size` around `centre`. */
export type Weights = (hint: string, dims: readonly number[], size: number, centre?: number) => string;

export function weightsOf(draft: Draft, random: () => number): Weights {
	return (hint, dims, size, centre = 0) => draft.constant(hint, floats(dims, spread(random, dims, size, centre)));
}

/** As many numbers as a tensor of these dims has, within `size` of `centre`. */
export const spread = (random: () => number, dims: readonly number[], size: number, centre = 0): number[] =>
	Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => centre + size * random());

/** Pseudo-random numbers in [−1, 1), the same every time. */
export function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 31 - 1;
	};
}
