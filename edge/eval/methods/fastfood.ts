/**
 * A fixed random map from a few numbers to many, without the matrix: Fastfood (Le, Sarlós, Smola, ICML 2013, arXiv
 * 1408.3060), as it is used to search in subspaces (Li et al., ICLR 2018, arXiv 1804.08838). H·G·Π·H·B: random signs, a
 * Hadamard transform, a random order, random normal factors, another Hadamard transform.
 */

import type { RandomState } from "../../../operators/zoa/random.js";
import { uniforms } from "../../../operators/zoa/random.js";
import { gaussians } from "./cma.js";

/** Maps vectors of `few` entries to such of `many`; independent entries of variance 1 become entries of variance 1. */
export function openFastfood(few: number, many: number, seed: RandomState): (x: Float64Array) => Float64Array {
	const size = 2 ** Math.ceil(Math.log2(Math.max(few, many)));
	const [drawn, afterSigns] = uniforms(seed, size);
	const [places, afterPlaces] = uniforms(afterSigns, size);
	const [factors] = gaussians(afterPlaces, size);
	const signs = drawn.map((u) => (u < 0.5 ? -1 : 1));
	const order = Array.from(places.keys()).sort((a, b) => places[a] - places[b]);
	// Each of the few spreads over all entries with the factors' mean square times the transforms' size, `few` add up.
	const total = factors.reduce((sum, factor) => sum + factor * factor, 0);
	const unit = 1 / Math.sqrt(few * total);
	return (x) => {
		const values = new Float64Array(size);
		for (const [i, value] of x.entries()) values[i] = value * signs[i];
		hadamard(values);
		const mixed = Float64Array.from(order, (from, i) => values[from] * factors[i] * unit);
		hadamard(mixed);
		return mixed.slice(0, many);
	};
}

/** Products with all rows of ±1 of the Hadamard matrix, in place. */
function hadamard(values: Float64Array): void {
	for (let half = 1; half < values.length; half *= 2) {
		for (let at = 0; at < values.length; at += 2 * half) {
			for (let i = at; i < at + half; i++) {
				const [a, b] = [values[i], values[i + half]];
				values[i] = a + b;
				values[i + half] = a - b;
			}
		}
	}
}
