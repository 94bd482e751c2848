/**
 * LAME: Parameter-free Online Test-time Adaptation.
 * Boudiaf, Mueller, Ben Ayed, Bertinetto; CVPR 2022, arXiv 2201.05718.
 * Written from memory of the paper's method, and from nobody's code.
 *
 * Taken: the model stays as it is and a batch's assignments z are what minimizes Σ_i KL(z_i ‖ q_i) − ½·Σ_ij
 * w_ij·z_i·z_j, with q the model's probabilities and w = 1 for the five nearest neighbours by normalized features:
 * frames that look alike to the model are to be of one class. Solved by the concave-convex updates z_i ∝ q_i·exp(Σ_j
 * w_ij·z_j) from z = q until the energy stands still.
 *
 * Different here: w is made symmetric (its mean with its transpose), which leaves a frame's weights adding up to about
 * five, and the energy has the ½ with which the published updates are its own: on random batches it has not risen once.
 */

import { cosine, rows, softmax, type Vector } from "../../../operators/zoa/vector.js";
import type { Method } from "../method.js";
import { forward, probabilitiesOf } from "./forward.js";

const NEIGHBOURS = 5;
/** Relative change of the energy under which it stands still. */
const STILL = 1e-8;
const MOST_UPDATES = 100;

export const lame: Method = {
	name: "lame",
	refuses: () => undefined,
	open: async (model, { window }) => ({
		batch: window,
		step: async (frames) => {
			const { manifest } = model.bundle;
			const { logits, features } = await forward(model, frames);
			const unary = probabilitiesOf(logits, manifest.labels.length);
			const probabilities = assigned(unary, affinities(rows(features, manifest.features)));
			return { probabilities, passes: frames.length };
		},
		close: async () => {},
	}),
};

/** w [n][n]: 1 between neighbours both ways, ½ one way; none with itself. */
export function affinities(features: readonly Vector[], neighbours = NEIGHBOURS): Float64Array[] {
	const [{ length }] = features;
	const weights = features.map(() => new Float64Array(features.length));
	features.forEach((feature, i) => {
		const others = features.map((other, j) => ({ j, near: cosine(feature, other, { offset: 0, length }) }));
		const nearest = others.filter(({ j }) => j !== i).sort((a, b) => b.near - a.near || a.j - b.j);
		for (const { j } of nearest.slice(0, neighbours)) {
			weights[i][j] += 0.5;
			weights[j][i] += 0.5;
		}
	});
	return weights;
}

/** Assignments z [n][C] of least energy near the probabilities q that the model gives. */
export function assigned(unary: readonly Vector[], weights: readonly Float64Array[]): Vector[] {
	const logarithms = unary.map((q) => q.map((p) => Math.log(Math.max(p, 1e-20))));
	let assignments = [...unary];
	let before = Number.POSITIVE_INFINITY;
	for (let update = 0; update < MOST_UPDATES; update++) {
		const pulls = weights.map((row) => pull(row, assignments));
		const energy = energyOf(assignments, logarithms, pulls);
		if (before - energy <= STILL * Math.abs(energy)) break;
		before = energy;
		assignments = logarithms.map((q, i) => softmax(q.map((value, c) => value + pulls[i][c])));
	}
	return assignments;
}

/** Σ_j w_ij·z_j [C] */
const pull = (weights: Float64Array, assignments: readonly Vector[]): Float64Array => {
	const sum = new Float64Array(assignments[0].length);
	assignments.forEach((z, j) => {
		if (weights[j] !== 0) for (let c = 0; c < sum.length; c++) sum[c] += weights[j] * z[c];
	});
	return sum;
};

/** Σ_i z_i·(ln z_i − ln q_i) − ½·Σ_i z_i·pull_i */
const energyOf = (
	assignments: readonly Vector[],
	logarithms: readonly Vector[],
	pulls: readonly Float64Array[],
): number => {
	let energy = 0;
	assignments.forEach((z, i) => {
		for (let c = 0; c < z.length; c++) {
			if (z[c] > 0) energy += z[c] * (Math.log(z[c]) - logarithms[i][c] - pulls[i][c] / 2);
		}
	});
	return energy;
};
