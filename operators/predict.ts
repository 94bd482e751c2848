import type { Activations, Bundle, Frame, Knowledge, Prediction } from "./types.js";
import { shifted } from "./zoa/shift.js";
import { allFinite, argmax, rows, softmax } from "./zoa/vector.js";

/**
 * Classes and probabilities of a batch, after the activation shift that the knowledge holds. Frames for which they are no
 * numbers have none.
 */
export const predictions = (
	frames: readonly Frame[],
	{ logits }: Activations,
	{ shift }: Pick<Knowledge, "shift">,
	{ manifest, source }: Bundle,
): Prediction[] => {
	const corrected = shifted(logits, source.head, source.features, shift);
	return rows(corrected, manifest.labels.length).flatMap((row, i) => {
		const probabilities = softmax(row);
		return allFinite(probabilities) ? [{ frame: frames[i], label: argmax(row), probabilities }] : [];
	});
};
