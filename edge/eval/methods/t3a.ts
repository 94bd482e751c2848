/**
 * T3A: Test-Time Classifier Adjustment Module for Model-Agnostic Domain Generalization.
 * Iwasawa, Matsuo; NeurIPS 2021 (no arXiv version).
 * Written from memory of the paper's method, and from nobody's code.
 *
 * Taken: each class has a support set, at first its row of the head alone. A frame's features, at length 1, join the
 * set of the class that the unchanged head predicts; of each set the M entries with the lowest entropy under that head
 * stay. A frame is then predicted by its features' products with the sets' centroids. No bias. The head's own rows are
 * entries like any other and may be pushed out. M is 20, one of the values the paper chooses from on its training
 * domains and the one that later comparisons use.
 *
 * Different here: nothing but that the centroids are brought to length 1, as classes with tight sets would win
 * otherwise.
 */

import type { Activations, Model } from "../../../operators/types.js";
import { argmax, entropy, norm, plus, product, rows, softmax, type Vector } from "../../../operators/zoa/vector.js";
import type { Method } from "../method.js";
import { forward, headBias, meanOf } from "./forward.js";

/** M: entries that a class keeps. */
export const MOST_SUPPORTS = 20;

/** One entry of a class's support set. */
export interface Support {
	/** Of length 1. */
	readonly direction: Vector;
	/** Of what the unchanged head predicts for it. */
	readonly entropy: number;
}

/** A set for each class. */
export type Supports = readonly (readonly Support[])[];

export const t3a: Method = {
	name: "t3a",
	refuses: () => undefined,
	open: async (model, { window }) => {
		let supports: Supports | undefined;
		return {
			batch: window,
			step: async (frames) => {
				const activations = await forward(model, frames);
				supports = extended(supports ?? firstSupports(model, activations), model, activations);
				const prototypes = supports.map(centroid);
				const features = rows(activations.features, model.bundle.manifest.features);
				const probabilities = features.map((feature) => softmax(products(prototypes, feature)));
				return { probabilities, passes: frames.length };
			},
			close: async () => {},
		};
	},
};

/** The head's rows, each with the entropy of what the head makes of it. */
export function firstSupports({ bundle }: Model, activations: Activations): Supports {
	const { head } = bundle.source;
	const bias = headBias(activations, head);
	return rows(head, bundle.manifest.features).map((row) => [
		{ direction: unit(row), entropy: entropy(softmax(plus(product(head, row), bias))) },
	]);
}

/** The sets with a batch's frames in them, and of each the surest entries. */
export function extended(supports: Supports, { bundle }: Model, { logits, features }: Activations): Supports {
	const predictions = rows(logits, bundle.manifest.labels.length);
	const joining = rows(features, bundle.manifest.features).map((feature, i) => ({
		label: argmax(predictions[i]),
		support: { direction: unit(feature), entropy: entropy(softmax(predictions[i])) },
	}));
	return supports.map((set, c) =>
		[...set, ...joining.filter(({ label }) => label === c).map(({ support }) => support)]
			.sort((a, b) => a.entropy - b.entropy)
			.slice(0, MOST_SUPPORTS),
	);
}

const centroid = (set: readonly Support[]): Vector => unit(meanOf(set.map(({ direction }) => direction)));

const unit = (x: Vector): Vector => {
	const length = norm(x) || 1;
	return x.map((value) => value / length);
};

const products = (vectors: readonly Vector[], x: Vector): Vector =>
	Float32Array.from(vectors, (vector) => product(vector, x)[0]);
