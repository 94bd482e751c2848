/**
 * NEO: No-Optimization Test-Time Adaptation through Latent Re-Centering.
 * Murphy, Danilowski, Chatterjee, Ghosh; ICLR 2026, arXiv 2510.05635.
 *
 * Taken, from its algorithm 1 as a reading note gives it (the paper itself was not at hand): the mean of all the
 * classifier's inputs seen so far, the present batch's among them, is taken away from each of them, and the head, bias
 * and all, is applied as it is. Its ground is that a model trained to the end has class means around the origin, so
 * that the mean of what is seen *is* the shift. `neo-continual` is the paper's variant for shifts that change: a moving
 * average instead of the mean.
 *
 * Different here: batches of unequal size count by their frames, so that any cut of a stream into batches gives the
 * same mean. The paper's α for the moving average was not at hand; it is 0.1 for 64 frames, as published for the
 * activation shift, which differs from `neo-continual` only in where it centres: on the source's mean (`shift`) or on
 * the origin.
 */

import type { Frame, Model } from "../../../operators/types.js";
import { PUBLISHED_SHIFT_WEIGHT, shifted } from "../../../operators/zoa/shift.js";
import { rows, toward, type Vector, zeros } from "../../../operators/zoa/vector.js";
import { type Adapting, type Method, WINDOW } from "../method.js";
import { forward, meanOf, probabilitiesOf } from "./forward.js";

/** Weight of `count` frames after `before` others. */
type Weight = (count: number, before: number) => number;

const cumulative: Weight = (count, before) => count / (before + count);
const moving: Weight = (count, before) => (before === 0 ? 1 : 1 - (1 - PUBLISHED_SHIFT_WEIGHT) ** (count / WINDOW));

const method = (name: string, weight: Weight): Method => ({
	name,
	refuses: () => undefined,
	open: async (model, { window }) => recentring(model, window, weight),
});

export const neo = method("neo", cumulative);
export const neoContinual = method("neo-continual", moving);

function recentring(model: Model, batch: number, weight: Weight): Adapting {
	const { manifest, source } = model.bundle;
	const origin = zeros(manifest.features);
	let centre: Vector = origin;
	let seen = 0;
	return {
		batch,
		step: async (frames: readonly Frame[]) => {
			const { logits, features } = await forward(model, frames);
			centre = toward(centre, meanOf(rows(features, manifest.features)), weight(frames.length, seen));
			seen += frames.length;
			const recentred = shifted(logits, source.head, origin, centre);
			return { probabilities: probabilitiesOf(recentred, manifest.labels.length), passes: frames.length };
		},
		close: async () => {},
	};
}
