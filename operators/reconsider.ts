import { concatMap, type OperatorFunction } from "rxjs";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, DomainRecord, Model } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { learned } from "./zoa/mix.js";
import { type Moments, moments, pooled, shiftScore } from "./zoa/moments.js";
import { attempted, residualOf } from "./zoa/sweep.js";
import { plus, rows, type Vector, zeros } from "./zoa/vector.js";

/** How much less out of line than with the stem aligned a batch has to be with other parameters to be given those. */
const CLEARLY = 2;

/**
 * Predicts a batch that is unlike the domain again, with the stem aligned to what it shows: with the old domain's alignment,
 * a night's say, a picture by day would be nothing but white. Its predictions have not left yet. `zoa+` also tries what is
 * at hand, since a stem that is given the right moments may still be further off.
 */
export const reconsider = (model: Model, learning: Learning): OperatorFunction<Detected, Detected> => {
	const { bundle } = model;
	const plan = planOf(bundle, learning.sweep?.without);
	return concatMap(async (step) => {
		if (step.verdict === "same" || !learning.align || learning.published) return step;
		const { frames, knowledge } = step;
		const forward = async (alignment: Vector) => {
			const affine = plus(plus(bundle.source.affine, alignment), learned(knowledge.mix));
			return { affine, activations: await model.forward(packed(frames), affine) };
		};
		let best = await forward(stemAlignment(bundle, step.activations, learning.gate));
		if (learning.sweep && learning.sweep.without !== "guess") {
			const others: Pick<Detected, "affine" | "activations">[] = [step];
			for (const alignment of known(step, plan)) others.push(await forward(alignment));
			const bound = residual(best.activations, plan) / CLEARLY;
			const clear = others.filter(({ activations }) => residual(activations, plan) < bound);
			for (const other of clear) if (residual(other.activations, plan) < residual(best.activations, plan)) best = other;
		}
		const again = predictions(frames, best.activations, knowledge, bundle);
		// Parameters that give no numbers are no better.
		return again.length < frames.length ? step : { ...step, ...best, predictions: again };
	});
};

/** Alignments at hand that are not the present one: none at all, and that of the stored domain that is nearest. */
const known = ({ knowledge, activations }: Detected, plan: Plan): Vector[] => {
	const stem = plan.ready(moments(pooled(plan.stemsOf(activations))));
	const [nearest] = knowledge.domains
		.map((record) => ({ record, away: shiftScore(stem, plan.ready(stemOf(record))) }))
		.sort((a, b) => a.away - b.away);
	const none = zeros(plan.source.length);
	return [none, ...(nearest ? [nearest.record.alignment] : [])].filter((one) => !isEqual(one, knowledge.alignment));
};

const stemOf = ({ stemMean, stemVariance }: DomainRecord): Moments => ({ mean: stemMean, variance: stemVariance });

const isEqual = (a: Vector, b: Vector): boolean => a.every((value, i) => value === b[i]);

const residual = (activations: Activations, plan: Plan): number =>
	residualOf(attempted(plan.source, plan.measurementOf([activations]), plan), plan);

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
const stemAlignment = ({ manifest, source }: Bundle, activations: Activations, gate: number): Vector => {
	const measured = pooled(rows(activations.sites, source.sites.length));
	return aligned(manifest.sites.slice(0, 1), source.affine, measured, source.sites, beyond(gate));
};
