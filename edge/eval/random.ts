import { uniform } from "../../operators/zoa/random.js";

/** Uniform numbers in [0, 1), the same for the same seeds; seeds of any size, one after the other. */
export function randomOf(...seeds: readonly number[]): () => number {
	let state = seeds.reduce((mixed, seed) => Math.imul(mixed ^ seed, 0x9e3779b1) ^ (mixed >>> 15), 0x85ebca6b) >>> 0;
	return () => {
		const [value, next] = uniform(state);
		state = next;
		return value;
	};
}

/** The items in random order. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
	const result = [...items];
	for (let i = result.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[result[i], result[j]] = [result[j], result[i]];
	}
	return result;
}
