import type { Activations, Bundle, Frame, Knowledge, Prediction } from "./types.js";
import { shifted } from "./zoa/shift.js";
import { argmax, rows, softmax } from "./zoa/vector.js";

/** Classes and probabilities of a batch, after the activation shift that the knowledge holds. */
export const predictions = (
	frames: readonly Frame[],
	{ logits }: Activations,
	{ shift }: Knowledge,
	{ manifest, source }: Bundle,
): Prediction[] => {
	const corrected = shifted(logits, source.head, source.features, shift);
	return rows(corrected, manifest.labels.length).map((row, i) => ({
		frame: frames[i],
		label: argmax(row),
		probabilities: softmax(row),
	}));
};
