import { concatMap, type OperatorFunction } from "rxjs";
import { chosen, gathered } from "./activations.js";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { nearestKnown } from "./kinds.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Camera, Detected, Model } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { alike } from "./zoa/kinds.js";
import { learned } from "./zoa/mix.js";
import { moments, pooled } from "./zoa/moments.js";
import { ASTRAY, astrayOf, attempted, residualOf } from "./zoa/sweep.js";
import { equal, isZero, plus, rows, type Vector, zeros } from "./zoa/vector.js";

/** Shift score up to which frames look like those of a domain that is known. */
const AKIN = 0.6;

/** Frames that it takes to tell that they are out of line, since a few are by chance. */
const TELLING = 4;

/** Frames of a batch that are predicted with one θ. */
interface Part {
	readonly places: readonly number[];
	readonly affine: Vector;
	readonly activations: Activations;
}

/** What a part is to be predicted with instead; where that is not sure, only if it is less out of line then. */
interface Proposal {
	readonly alignment: Vector;
	readonly isSure: boolean;
}

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
		const isSettled = verdict === "same" && (!isSorting || isZero(knowledge.alignment));
		const isBehind = camera.live && camera.waiting >= frames.length;
		if (!learning.align || learning.published || isSettled || isBehind) return step;
		const proposed = (part: Part): Proposal | undefined => {
			const stemAligned = () => stemAlignment(bundle, part.activations, learning.gate);
			if (!isSorting) return { alignment: stemAligned(), isSure: true };
			const known = sorted(part, step, plan);
			return known || verdict === "same" ? known : { alignment: stemAligned(), isSure: false };
		};
		const retried = async (part: Part): Promise<Part> => {
			const proposal = proposed(part);
			if (!proposal || equal(proposal.alignment, knowledge.alignment)) return part;
			const affine = plus(plus(bundle.source.affine, proposal.alignment), learned(knowledge.mix));
			const activations = await model.forward(packed(part.places.map((i) => frames[i])), affine);
			const isBetter = proposal.isSure || residual(activations, plan) < residual(part.activations, plan);
			return isBetter ? { ...part, affine, activations } : part;
		};
		const parts: Part[] = [];
		for (const part of isSorting ? partsOf(step, plan) : [{ ...step, places: [...frames.keys()] }]) {
			parts.push(await retried(part));
		}
		if (parts.every(({ affine }) => affine === step.affine)) return step;
		const activations = gathered(parts);
		const better = predictions(frames, activations, knowledge, bundle);
		// Parameters that give no numbers are no better.
		if (better.length < frames.length) return step;
		const again = parts.filter((part) => part.affine !== step.affine).flatMap(({ places }) => places);
		const [{ affine }] = [...parts].sort((a, b) => b.places.length - a.places.length);
		return { ...step, affine, activations, predictions: better, again };
	});
};

/** A batch in parts that look alike. */
const partsOf = ({ affine, activations, stems }: Detected, plan: Plan): Part[] =>
	alike(stems.map((raw) => plan.ready(moments(raw)))).map((places) => ({
		places,
		affine,
		activations: chosen(activations, places),
	}));

/**
 * What is known of frames that look alike. Where no change was seen they are taken for another kind only if that is the
 * source's, or tried as that if they are far out of line.
 */
const sorted = (
	{ places, activations }: Part,
	{ knowledge, verdict, stems }: Detected,
	plan: Plan,
): Proposal | undefined => {
	const stem = plan.ready(moments(pooled(places.map((i) => stems[i]))));
	const nearest = nearestKnown(stem, knowledge, plan);
	const known = nearest && nearest.away < AKIN ? nearest.alignment : undefined;
	if (known && (verdict !== "same" || isZero(known))) return { alignment: known, isSure: true };
	const isTelling = plan.tellsClasses && activations.frames >= TELLING;
	if (verdict !== "same" || !isTelling || astray(activations, plan) < ASTRAY) return undefined;
	return { alignment: zeros(plan.source.length), isSure: false };
};

const attempt = (activations: Activations, plan: Plan) =>
	attempted(plan.source, plan.measurementOf([activations]), plan);

const residual = (activations: Activations, plan: Plan): number => residualOf(attempt(activations, plan), plan);

const astray = (activations: Activations, plan: Plan): number => astrayOf(attempt(activations, plan), plan);

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
const stemAlignment = ({ manifest, source }: Bundle, activations: Activations, gate: number): Vector => {
	const measured = pooled(rows(activations.sites, source.sites.length));
	return aligned(manifest.sites.slice(0, 1), source.affine, measured, source.sites, beyond(gate));
};
