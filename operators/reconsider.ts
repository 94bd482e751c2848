import { concatMap, type OperatorFunction } from "rxjs";
import { packed } from "./batch.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, Model } from "./types.js";
import { aligned } from "./zoa/align.js";
import { learned } from "./zoa/mix.js";
import { pooled } from "./zoa/moments.js";
import { plus, rows, type Vector } from "./zoa/vector.js";

/**
 * Predicts a batch that is unlike the domain a second time, with the stem aligned to what it shows: with the old
 * domain's alignment, a night's say, a picture by day would be nothing but white. Its predictions have not left yet.
 */
export const reconsider = (model: Model, { align, published, gate }: Learning): OperatorFunction<Detected, Detected> =>
	concatMap(async (step) => {
		if (step.verdict === "same" || !align || published) return step;
		const { bundle } = model;
		const { frames, knowledge } = step;
		const alignment = stemAlignment(bundle, step.activations, gate);
		const affine = plus(plus(bundle.source.affine, alignment), learned(knowledge.mix));
		const activations = await model.forward(packed(frames), affine);
		return { ...step, affine, activations, predictions: predictions(frames, activations, knowledge, bundle) };
	});

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
const stemAlignment = ({ manifest, source }: Bundle, activations: Activations, gate: number): Vector => {
	const measured = pooled(rows(activations.sites, source.sites.length));
	return aligned(manifest.sites.slice(0, 1), source.affine, measured, source.sites, gate);
};
