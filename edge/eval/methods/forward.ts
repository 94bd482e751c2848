import { packed } from "../../../operators/batch.js";
import type { Activations, Frame, Model } from "../../../operators/types.js";
import { columnStatistics, minus, product, rows, softmax, type Vector } from "../../../operators/zoa/vector.js";

/** One pass of a batch; with the source's parameters unless others are given. */
export const forward = (model: Model, frames: readonly Frame[], affine?: Vector): Promise<Activations> =>
	model.forward(packed(frames), affine ?? model.bundle.source.affine);

/** Probabilities of each frame from logits [n,C]. */
export const probabilitiesOf = (logits: Vector, classes: number): Vector[] =>
	rows(logits, classes).map((row) => softmax(row));

/** Mean of vectors of one length. */
export const meanOf = (vectors: readonly Vector[]): Vector => columnStatistics(vectors).mean;

/** Bias b [C] of the linear head, logits = W·features + b: what of a batch's logits W does not explain. */
export const headBias = ({ logits, features, frames }: Activations, head: Vector): Vector =>
	minus(meanOf(rows(logits, logits.length / frames)), product(head, meanOf(rows(features, features.length / frames))));
