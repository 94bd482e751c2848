import { concatMap, type OperatorFunction } from "rxjs";
import { chosen, gathered } from "./activations.js";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { forward, sourceTheta } from "./forward.js";
import { AKIN, isForeign, kindsOf, nearestOf, stemOfStudy } from "./kinds.js";
import { predictions } from "./predict.js";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Camera, Detected, Kind, Model, Strangers } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { ASTRAY, astrayOf, attempted, doesAsItIs, residualOf } from "./zoa/attempt.js";
import { alike } from "./zoa/kinds.js";
import { learned } from "./zoa/mix.js";
import { channelsOf, type Moments, moments, pooled, type RawMoments } from "./zoa/moments.js";
import { showTheSame } from "./zoa/thumbnail.js";
import { equal, isZero, plus, type Vector, zeros } from "./zoa/vector.js";

/** Shift score up to which frames look so much like those of a kind that its parameters need no trial. */
const SURE = 0.1;

/** Different frames that it takes to tell that they are out of line, since a few are by chance. */
const TELLING = 4;

/** Frames of a batch that look alike, and what they were predicted with. */
interface Part {
	readonly places: readonly number[];
	readonly affine: Vector;
	readonly activations: Activations;
}

/** What is thought of a part. */
interface Opinion {
	/** Whether its frames are of another kind than their domain, and which, if something is known of it. */
	readonly isStranger: boolean;
	readonly kind?: Kind | undefined;
	/** What they may be predicted with instead, in the order in which that is tried. */
	readonly alignments: readonly Vector[];
	/** Whether the first of these needs no trial. */
	readonly isSure: boolean;
}

const LEFT_ALONE: Opinion = { isStranger: false, alignments: [], isSure: false };

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
		const isBehind = camera.live && camera.waiting >= frames.length;
		const isSettled = isSorting ? isOrdinary(step, plan) : verdict === "same";
		if (!learning.align || learning.published || isSettled || (isBehind && !learning.sweep)) return step;
		const kinds = isSorting ? kindsOf(knowledge, plan) : [];
		const opinionOf = (part: Part): Opinion => {
			const byStem = () =>
				stemAlignment(
					bundle,
					part.places.map((place) => step.stems[place]),
					learning.gate,
				);
			if (!isSorting) return { isStranger: true, alignments: [byStem()], isSure: true };
			if (verdict !== "same") return ofStrange(part, step, kinds, plan, byStem);
			const asItIs = () => zeros(plan.source.length);
			return isVisitor(part, step, kinds, plan)
				? ofStrange(part, step, kinds, plan, asItIs)
				: ofUsual(part, step, kinds, plan);
		};
		const predictedWith = async (part: Part, alignment: Vector): Promise<Part> => {
			const affine = plus(plus(plan.source, alignment), learned(knowledge.mix));
			if (equal(affine, part.affine)) return part;
			return { ...part, affine, activations: await forward(model, packed(part.places.map((i) => frames[i])), affine) };
		};
		const bettered = async (part: Part, { alignments, isSure }: Opinion): Promise<Part> => {
			let best = part;
			for (const alignment of alignments) {
				const tried = await predictedWith(part, alignment);
				const does = isZero(alignment) && doesAsItIs(attempt(tried, plan), knowledge.usualDoubt, plan);
				if (isSure || does) return tried;
				if (residual(tried, plan) < residual(best, plan)) best = tried;
			}
			return best;
		};
		const [affine] = step.affines;
		const parts = isSorting ? partsOf(step, plan) : [{ ...step, affine, places: [...frames.keys()] }];
		const opinions = parts.map(opinionOf);
		// Where the whole batch is odd, it is so though it looks like its domain.
		const areAll = verdict === "changed" || (verdict === "odd" && opinions.every(({ isStranger }) => !isStranger));
		const strangers = together(parts, opinions, ({ isStranger }) => isStranger || areAll);
		if (isBehind) return { ...step, strangers };
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

/** Whether nothing is strange about a batch: no frame looks unlike the source, and too few differ for its sites to tell. */
const isOrdinary = ({ verdict, knowledge, thumbnails, stems }: Detected, plan: Plan): boolean => {
	const isUnlike = () => plan.tellsClasses && stems.some((raw) => isForeign(plan.ready(moments(raw)), plan));
	return verdict === "same" && isZero(knowledge.alignment) && !isTelling(thumbnails, plan) && !isUnlike();
};

/** Whether frames are different enough to tell whether they are out of line. */
const isTelling = (thumbnails: readonly Vector[], { tellsClasses }: Plan): boolean => {
	const isNew = (one: Vector, i: number) => !thumbnails.slice(0, i).some((other) => showTheSame(one, other));
	return tellsClasses && thumbnails.filter(isNew).length >= TELLING;
};

/** A batch in parts that look alike, the largest first. */
const partsOf = ({ affines: [affine], activations, stems }: Detected, plan: Plan): Part[] =>
	alike(stems.map((raw) => plan.ready(moments(raw)))).map((places) => ({
		places,
		affine,
		activations: places.length === stems.length ? activations : chosen(activations, places),
	}));

const stemOf = ({ places }: Part, { stems }: Detected, plan: Plan): Moments =>
	plan.ready(moments(pooled(places.map((place) => stems[place]))));

/**
 * Of a part of a batch that is unlike its domain: it is given what is known of its kind. Where that is not sure the source's
 * own parameters come first, and are kept unless they leave it far out of line; what looks like nothing that is known has
 * its stem aligned.
 */
const ofStrange = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan, byStem: () => Vector): Opinion => {
	const nearest = nearestOf(stemOf(part, step, plan), kinds, plan);
	const kind = nearest && nearest.away < AKIN ? nearest.kind : undefined;
	if (kind?.isPresent) return { ...LEFT_ALONE, kind };
	const alignment = kind?.alignment ?? byStem();
	if (nearest && nearest.away < SURE) return { isStranger: true, kind, alignments: [alignment], isSure: true };
	const others = isZero(alignment) ? [] : [alignment];
	return { isStranger: true, kind, alignments: [zeros(plan.source.length), ...others], isSure: false };
};

/**
 * Whether a part of a domain that needs no alignment looks unlike the source, and unlike what the domain looks like: the
 * detector gets used to visits that never last.
 */
const isVisitor = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan): boolean => {
	const { alignment, gain } = step.knowledge;
	if (!plan.tellsClasses || !isZero(alignment) || gain === undefined) return false;
	const stem = stemOf(part, step, plan);
	if (!isForeign(stem, plan)) return false;
	const nearest = nearestOf(stem, kinds, plan);
	return !nearest?.kind.isPresent || nearest.away >= AKIN;
};

/**
 * Of a part of a batch in which no change was seen. In a domain with an alignment it may look more like the source, or be far
 * out of line. In one that was found to need none, what is far out of line is a stranger that the detector does not see, as
 * rain on the lens is.
 */
const ofUsual = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan): Opinion => {
	const { knowledge, thumbnails } = step;
	const source = zeros(plan.source.length);
	const isPlain = isZero(knowledge.alignment);
	const like = (among: readonly Kind[]): Kind | undefined => {
		const nearest = nearestOf(stemOf(part, step, plan), among, plan);
		return nearest && nearest.away < AKIN ? nearest.kind : undefined;
	};
	const nearest = isPlain ? undefined : like(kinds.filter(({ candidate }) => !candidate));
	if (nearest && isZero(nearest.alignment))
		return { isStranger: true, kind: nearest, alignments: [source], isSure: true };
	// Until it was looked what the domain needs, whatever it shows is its own.
	if (isPlain && knowledge.gain === undefined) return LEFT_ALONE;
	const seen = part.places.map((place) => thumbnails[place]);
	if (!isTelling(seen, plan) || astray(part, plan) < ASTRAY) return LEFT_ALONE;
	if (!isPlain) return { isStranger: false, alignments: [source], isSure: false };
	const look = stemOfStudy(knowledge);
	const home = look ? [{ stem: look, alignment: source }] : [];
	const kind = like([...home, ...kinds.filter(({ alignment }) => !isZero(alignment))]);
	const isOther = kind !== undefined && !isZero(kind.alignment);
	return { isStranger: true, kind, alignments: isOther ? [kind.alignment] : [], isSure: false };
};

/** Strangers by their kind, each part by itself of which nothing is known; most first. */
const together = (
	parts: readonly Part[],
	opinions: readonly Opinion[],
	isStrange: (opinion: Opinion) => boolean,
): Strangers[] => {
	const byKind = new Map<Kind | Opinion, Strangers>();
	for (const [i, { places }] of parts.entries()) {
		const { kind } = opinions[i];
		const key = kind ?? opinions[i];
		if (isStrange(opinions[i])) byKind.set(key, { kind, places: [...(byKind.get(key)?.places ?? []), ...places] });
	}
	return [...byKind.values()].sort((a, b) => b.places.length - a.places.length);
};

const attempt = ({ activations }: Part, plan: Plan) => attempted(plan.source, plan.measurementOf([activations]), plan);

const residual = (part: Part, plan: Plan): number => residualOf(attempt(part, plan), plan);

const astray = (part: Part, plan: Plan): number => astrayOf(attempt(part, plan), plan);

/** The stem's alignment to the average source frame: which classes are in view is not known yet. */
const stemAlignment = (bundle: Bundle, stems: readonly RawMoments[], gate: number): Vector => {
	const [stem] = bundle.manifest.sites;
	const wanted = channelsOf(bundle.source.sites, 0, stem.channels);
	return aligned([stem], sourceTheta(bundle), pooled(stems), wanted, beyond(gate));
};
