import { concatMap, type OperatorFunction } from "rxjs";
import { gathered } from "./activations.js";
import { planOf } from "./anatomy.js";
import { kindsOf } from "./kinds.js";
import { isOrdinary, isVisitor, type Opinion, ofStrange, ofUsual, type Part, partsOf, together } from "./opinion.js";
import { predictions } from "./predict.js";
import { bettered, type Refit, stemAlignment, stemsOf } from "./refit.js";
import type { Learning } from "./settings.js";
import type { Camera, Detected, Model } from "./types.js";

/**
 * Predicts frames again that do not look like their domain, whose predictions have not left yet: with a night's alignment a
 * picture by day would be nothing but white. `zoa+` tells frames that look alike from the others, and gives them what is
 * known of their kind. A camera that is behind has no time for it.
 */
export const reconsider = (model: Model, camera: Camera, learning: Learning): OperatorFunction<Detected, Detected> => {
	const { bundle } = model;
	const plan = planOf(bundle, learning.sweep?.without);
	const isSorting = learning.sweep !== undefined && learning.sweep.without !== "kinds";
	return concatMap(async (step) => {
		const { frames, knowledge, verdict } = step;
		const isBehind = () => camera.live && camera.waiting >= frames.length;
		const isSettled = isSorting ? isOrdinary(step, plan) : verdict === "same";
		const hasNoTime = isBehind();
		if (!learning.align || learning.published || isSettled || (hasNoTime && !learning.sweep)) return step;
		const kinds = isSorting ? kindsOf(knowledge, plan) : [];
		const opinionOf = (part: Part): Opinion => {
			if (!isSorting) {
				const alignment = stemAlignment(bundle, stemsOf(part, step), learning.gate);
				return { isStranger: true, alignments: [alignment], isSure: true };
			}
			return verdict !== "same" || isVisitor(part, step, kinds, plan)
				? ofStrange(part, step, kinds, plan)
				: ofUsual(part, step, kinds, plan);
		};
		const [affine] = step.affines;
		const parts = isSorting ? partsOf(step, plan) : [{ ...step, affine, places: [...frames.keys()] }];
		const opinions = parts.map(opinionOf);
		// Where the whole batch is odd, it is so though it looks like its domain.
		const areAll = verdict === "changed" || (verdict === "odd" && opinions.every(({ isStranger }) => !isStranger));
		const strangers = together(parts, opinions, ({ isStranger }) => isStranger || areAll);
		if (hasNoTime) return { ...step, strangers };
		const refit: Refit = { model, plan, step, gate: learning.gate, isBehind };
		const best: Part[] = [];
		for (const [i, part] of parts.entries()) best.push(await bettered(part, opinions[i], refit));
		if (best.every((part) => part.affine === affine)) return { ...step, strangers };
		const activations = gathered(best);
		const better = predictions(frames, activations, knowledge, bundle);
		// Parameters that give no numbers are no better.
		if (better.length < frames.length) return { ...step, strangers };
		const affines = [...step.affines];
		for (const { places, affine } of best) for (const place of places) affines[place] = affine;
		return { ...step, affines, activations, predictions: better, strangers };
	});
};
