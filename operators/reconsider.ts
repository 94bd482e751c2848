import { concatMap, type OperatorFunction } from "rxjs";
import { gathered } from "./activations.js";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { forward, lookAt, sourceTheta } from "./forward.js";
import { kindsOf } from "./kinds.js";
import {
	attemptWith,
	isOrdinary,
	isVisitor,
	type Opinion,
	ofStrange,
	ofUsual,
	type Part,
	partsOf,
	together,
} from "./opinion.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Bundle, Camera, Detected, Model } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { doesAsItIs, isWorthIt, maySmooth, residualOf } from "./zoa/attempt.js";
import { learned } from "./zoa/mix.js";
import { channelsOf, pooled, type RawMoments } from "./zoa/moments.js";
import { withSmoothing } from "./zoa/smoothing.js";
import { equal, isZero, plus, type Vector } from "./zoa/vector.js";

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
		const byStem = ({ places }: Part) =>
			stemAlignment(
				bundle,
				places.map((place) => step.stems[place]),
				learning.gate,
			);
		const opinionOf = (part: Part): Opinion => {
			if (!isSorting) return { isStranger: true, alignments: [byStem(part)], isSure: true };
			return verdict !== "same" || isVisitor(part, step, kinds, plan)
				? ofStrange(part, step, kinds, plan)
				: ofUsual(part, step, kinds, plan);
		};
		const picturesOf = ({ places }: Part) => packed(places.map((place) => frames[place]));
		const predictedWith = async (part: Part, alignment: Vector): Promise<Part> => {
			const affine = plus(plus(plan.source, alignment), learned(knowledge.mix));
			if (equal(affine, part.affine)) return part;
			return { ...part, affine, activations: await forward(model, picturesOf(part), affine) };
		};
		const bettered = async (part: Part, { alignments, isSure, mayBeFitted }: Opinion): Promise<Part> => {
			let best = part;
			for (const alignment of alignments) {
				const tried = await predictedWith(part, alignment);
				const does = isZero(alignment) && doesAsItIs(attemptWith(tried, plan), knowledge.usualDoubt, plan);
				if (isSure || does) return tried;
				if (isLessAstray(tried, best, plan)) best = tried;
			}
			return mayBeFitted ? fitted(part, best) : best;
		};
		/** With the stem aligned to what the part shows: as it is, and then smoothed for as long as that is worth it. */
		const fitted = async (part: Part, before: Part): Promise<Part> => {
			const isBetter = (tried: Part, best: Part) =>
				isWorthIt(attemptWith(tried, plan), attemptWith(best, plan), knowledge.usualDoubt, plan);
			const inLine = await predictedWith(part, byStem(part));
			let best = isBetter(inLine, before) ? inLine : before;
			for (const times of plan.smoothings) {
				if (isBehind() || !maySmooth(attemptWith(best, plan), plan)) break;
				const stems = await lookAt(model, picturesOf(part), times);
				const tried = await predictedWith(part, withSmoothing(stemAlignment(bundle, stems, learning.gate), times));
				if (!isBetter(tried, best)) break;
				best = tried;
			}
			return best;
		};
		const [affine] = step.affines;
		const parts = isSorting ? partsOf(step, plan) : [{ ...step, affine, places: [...frames.keys()] }];
		const opinions = parts.map(opinionOf);
		// Where the whole batch is odd, it is so though it looks like its domain.
		const areAll = verdict === "changed" || (verdict === "odd" && opinions.every(({ isStranger }) => !isStranger));
		const strangers = together(parts, opinions, ({ isStranger }) => isStranger || areAll);
		if (hasNoTime) return { ...step, strangers };
		const best: Part[] = [];
		for (const [i, part] of parts.entries()) best.push(await bettered(part, opinions[i]));
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

/** Whether one leaves a part less out of line than another; what gives no number does not, and anything does than that. */
const isLessAstray = (one: Part, other: Part, plan: Plan): boolean => {
	const [residual, before] = [one, other].map((part) => residualOf(attemptWith(part, plan), plan));
	return Number.isFinite(residual) && !(residual >= before);
};

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
const stemAlignment = (bundle: Bundle, stems: readonly RawMoments[], gate: number): Vector => {
	const [stem] = bundle.manifest.sites;
	const wanted = channelsOf(bundle.source.sites, 0, stem.channels);
	return aligned([stem], sourceTheta(bundle), pooled(stems), wanted, beyond(gate));
};
