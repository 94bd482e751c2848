import { minus, plus, product, rows, toward, type Vector } from "./vector.js";

/** Published: hist ← 0.9·hist + 0.1·mean, once for each batch of 64 (zoa.md, step 8). */
export const PUBLISHED_SHIFT_WEIGHT = 0.1;

/** The running mean [d] of the classifier's input after one more batch's mean. */
export const followedShift = (history: Vector | undefined, mean: Vector, weight: number): Vector =>
	history ? toward(history, mean, weight) : mean;

/**
 * Activation shift: logits [n,C] of classifier inputs moved by d = `expected` − `history` (zoa.md, steps 1 and 4); for
 * a linear head W [C,d] that is logits + W·d.
 */
export const shifted = (logits: Vector, head: Vector, expected: Vector, history: Vector | undefined): Vector => {
	if (!history) return logits;
	const correction = product(head, minus(expected, history));
	const result = new Float32Array(logits.length);
	for (const [i, row] of rows(logits, correction.length).entries())
		result.set(plus(row, correction), i * correction.length);
	return result;
};
