import { concatMap, type OperatorFunction } from "rxjs";
import { packed } from "./batch.js";
import { affineOf } from "./knowledge.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Batched, Inferred, Knowledge, Model } from "./types.js";
import { thumbnail } from "./zoa/thumbnail.js";
import type { Vector } from "./zoa/vector.js";

/**
 * Runs the quantized model with the affine parameters its knowledge amounts to. Where these give no numbers, the model as it
 * was prepared has to do. What the frames show is looked at meanwhile, since this thread would only wait for the model's.
 */
export const infer = (model: Model, learning: Learning | undefined): OperatorFunction<Batched, Inferred> => {
	const { bundle } = model;
	const { width, height } = bundle.manifest.input;
	const { affine: source } = bundle.source;
	let latest: (Pick<Knowledge, "alignment" | "mix"> & { readonly affine: Vector }) | undefined;
	/** θ, worked out anew only when something was learned. */
	const parameters = (knowledge: Knowledge): Vector => {
		const { alignment, mix } = knowledge;
		if (latest?.alignment !== alignment || latest.mix !== mix)
			latest = { alignment, mix, affine: affineOf(knowledge, source) };
		return latest.affine;
	};
	return concatMap(async ({ pixels, ...step }) => {
		const { frames, knowledge } = step;
		const predicted = async (tensor: typeof pixels, affine: Vector, shift: Knowledge["shift"]) => {
			const activations = await model.forward(tensor, affine);
			return {
				affines: frames.map(() => affine),
				activations,
				predictions: predictions(frames, activations, { shift }, bundle),
			};
		};
		const pass = predicted(pixels, parameters(knowledge), knowledge.shift);
		const thumbnails = learning?.sweep ? frames.map((frame) => thumbnail(frame.pixels, width, height)) : [];
		const learned = await pass;
		const failed = frames.length - learned.predictions.length;
		if (failed === 0) return { ...step, ...learned, thumbnails, strangers: [], failed };
		return { ...step, ...(await predicted(packed(frames), source, undefined)), thumbnails, strangers: [], failed };
	});
};
