import { concatMap, type OperatorFunction } from "rxjs";
import { packed } from "./batch.js";
import { stemRows } from "./detect.js";
import { forward, lookAt, sourceTheta } from "./forward.js";
import { affineOf } from "./knowledge.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Activations, Batched, Inferred, Knowledge, Model } from "./types.js";
import { smoothingOf } from "./zoa/smoothing.js";
import { thumbnail } from "./zoa/thumbnail.js";
import type { Vector } from "./zoa/vector.js";

/**
 * Runs the quantized model with the parameters its knowledge amounts to. Where these give no numbers, the model as it was
 * prepared has to do. Conditions are told apart by the stems of pictures as they are, which are looked at by themselves where
 * these are smoothed. What the frames show is looked at meanwhile, since this thread would only wait for the model's.
 */
export const infer = (model: Model, learning: Learning | undefined): OperatorFunction<Batched, Inferred> => {
	const { bundle } = model;
	const { width, height } = bundle.manifest.input;
	const source = sourceTheta(bundle);
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
		const predicted = (activations: Activations, theta: Vector, shift: Knowledge["shift"]) => ({
			affines: frames.map(() => theta),
			activations,
			predictions: predictions(frames, activations, { shift }, bundle),
		});
		const theta = parameters(knowledge);
		const isApart = learning !== undefined && !knowledge.frozen && smoothingOf(theta) > 0;
		// This first: the pictures are smoothed while the model is at work on it.
		const asTheyAre = isApart ? lookAt(model, packed(frames), 0) : undefined;
		const passes = Promise.all([forward(model, pixels, theta), asTheyAre]);
		const thumbnails = learning?.sweep ? frames.map((frame) => thumbnail(frame.pixels, width, height)) : [];
		const [activations, own] = await passes;
		const learned = predicted(activations, theta, knowledge.shift);
		const failed = frames.length - learned.predictions.length;
		const valid = failed === 0 ? learned : predicted(await forward(model, packed(frames), source), source, undefined);
		const stems = learning && !knowledge.frozen ? (own ?? stemRows(bundle, valid.activations)) : [];
		return { ...step, ...valid, stems, thumbnails, strangers: [], failed };
	});
};
