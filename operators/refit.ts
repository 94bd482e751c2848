import type { Plan } from "./anatomy.js";
import { packed } from "./batch.js";
import { forward, lookAt, sourceTheta } from "./forward.js";
import { attemptWith, type Opinion, type Part } from "./opinion.js";
import type { Bundle, Detected, Model } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { type Attempt, doesAsItIs, isWorthIt, maySmooth, residualOf } from "./zoa/attempt.js";
import { learned } from "./zoa/mix.js";
import { channelsOf, pooled, type RawMoments } from "./zoa/moments.js";
import { withSmoothing } from "./zoa/smoothing.js";
import { equal, isZero, plus, type Vector } from "./zoa/vector.js";

/** A batch whose parts are predicted again, and with what. */
export interface Refit {
	readonly model: Model;
	readonly plan: Plan;
	readonly step: Detected;
	/** Shift score of a channel from which on the stem is aligned. */
	readonly gate: number;
	/** Whether the camera has no time for more. */
	isBehind(): boolean;
}

/** A part as it was predicted, and what that shows. */
interface Tried {
	readonly part: Part;
	readonly attempt: Attempt;
}

/** A part predicted with what is best for it of what it may be predicted with instead; itself, where nothing of that is better. */
export const bettered = async (part: Part, opinion: Opinion, refit: Refit): Promise<Part> => {
	const { alignments, isSure, mayBeFitted } = opinion;
	const { plan, step } = refit;
	if (alignments.length === 0 && !mayBeFitted) return part;
	if (isSure) return predictedWith(part, alignments[0], refit);
	let best: Tried = { part, attempt: attemptWith(part, plan) };
	for (const alignment of alignments) {
		const tried = await triedWith(part, alignment, refit);
		if (isZero(alignment) && doesAsItIs(tried.attempt, step.knowledge.usualDoubt, plan)) return tried.part;
		if (isLessAstray(tried.attempt, best.attempt, plan)) best = tried;
	}
	return mayBeFitted ? fitted(part, best, refit) : best.part;
};

/** With the stem aligned to what the part shows: as it is, and then smoothed for as long as that is worth it. */
const fitted = async (part: Part, before: Tried, refit: Refit): Promise<Part> => {
	const { model, plan, step, gate } = refit;
	const isBetter = (tried: Tried, best: Tried) =>
		isWorthIt(tried.attempt, best.attempt, step.knowledge.usualDoubt, plan);
	const inLine = await triedWith(part, stemAlignment(model.bundle, stemsOf(part, step), gate), refit);
	let best = isBetter(inLine, before) ? inLine : before;
	for (const times of plan.smoothings) {
		if (refit.isBehind() || !maySmooth(best.attempt, plan)) break;
		const stems = await lookAt(model, picturesOf(part, step), times);
		const tried = await triedWith(part, withSmoothing(stemAlignment(model.bundle, stems, gate), times), refit);
		if (!isBetter(tried, best)) break;
		best = tried;
	}
	return best.part;
};

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
export const stemAlignment = (bundle: Bundle, stems: readonly RawMoments[], gate: number): Vector => {
	const [stem] = bundle.manifest.sites;
	const wanted = channelsOf(bundle.source.sites, 0, stem.channels);
	return aligned([stem], sourceTheta(bundle), pooled(stems), wanted, beyond(gate));
};

/** Stems [2,E] of a part's frames. */
export const stemsOf = ({ places }: Part, { stems }: Detected): RawMoments[] => places.map((place) => stems[place]);

const picturesOf = ({ places }: Part, { frames }: Detected) => packed(places.map((place) => frames[place]));

const triedWith = async (part: Part, alignment: Vector, refit: Refit): Promise<Tried> => {
	const tried = await predictedWith(part, alignment, refit);
	return { part: tried, attempt: attemptWith(tried, refit.plan) };
};

const predictedWith = async (part: Part, alignment: Vector, { model, plan, step }: Refit): Promise<Part> => {
	const affine = plus(plus(plan.source, alignment), learned(step.knowledge.mix));
	if (equal(affine, part.affine)) return part;
	return { ...part, affine, activations: await forward(model, picturesOf(part, step), affine) };
};

/** Whether one leaves a part less out of line than another; what gives no number does not, and anything does than that. */
const isLessAstray = (one: Attempt, other: Attempt, plan: Plan): boolean => {
	const [residual, before] = [residualOf(one, plan), residualOf(other, plan)];
	return Number.isFinite(residual) && !(residual >= before);
};
