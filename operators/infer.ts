import { concatMap, type OperatorFunction } from "rxjs";
import { affineOf } from "./knowledge.js";
import { predictions } from "./predict.js";
import type { Batched, Inferred, Model } from "./types.js";

/** Runs the quantized model with the affine parameters its knowledge amounts to. */
export const infer = (model: Model): OperatorFunction<Batched, Inferred> =>
	concatMap(async ({ pixels, ...step }) => {
		const affine = affineOf(step.knowledge, model.bundle.source.affine);
		const activations = await model.forward(pixels, affine);
		return {
			...step,
			affine,
			activations,
			predictions: predictions(step.frames, activations, step.knowledge, model.bundle),
		};
	});
