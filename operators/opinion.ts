import { chosen } from "./activations.js";
import { type Plan, shownIn } from "./anatomy.js";
import { AKIN, isForeign, nearestOf, stemOfStudy } from "./kinds.js";
import type { Activations, Detected, Kind, Knowledge, Strangers } from "./types.js";
import { ASTRAY, type Attempt, astrayOf, attempted, isDoubtful, MUCH_DOUBT, TELLING } from "./zoa/attempt.js";
import { alike } from "./zoa/kinds.js";
import { type Moments, moments, pooled } from "./zoa/moments.js";
import { showTheSame } from "./zoa/thumbnail.js";
import { isZero, minus, type Vector, zeros } from "./zoa/vector.js";

/** Shift score up to which frames look so much like those of a kind that its parameters need no trial. */
const SURE = 0.1;

/** Frames of a batch that look alike, and what they were predicted with. */
export interface Part {
	readonly places: readonly number[];
	readonly affine: Vector;
	readonly activations: Activations;
}

/** What is thought of a part. */
export interface Opinion {
	/** Whether its frames are of another kind than their domain, and which, if something is known of it. */
	readonly isStranger: boolean;
	readonly kind?: Kind | undefined;
	/** What they may be predicted with instead, in the order in which that is tried. */
	readonly alignments: readonly Vector[];
	/** Whether the first of these needs no trial. */
	readonly isSure: boolean;
	/** Whether it may be fitted to what it shows as well: its stem aligned, its pictures smoothed. */
	readonly mayBeFitted?: boolean;
}

const LEFT_ALONE: Opinion = { isStranger: false, alignments: [], isSure: false };

/** Whether nothing is strange about a batch: no frame looks unlike the source, and too few differ for its sites to tell. */
export const isOrdinary = ({ verdict, knowledge, thumbnails, stems }: Detected, plan: Plan): boolean => {
	const isUnlike = () => plan.tellsClasses && stems.some((raw) => isForeign(plan.ready(moments(raw)), plan));
	return verdict === "same" && isZero(knowledge.alignment) && !isTelling(thumbnails, plan) && !isUnlike();
};

/** Whether frames are different enough to tell whether they are out of line. */
const isTelling = (thumbnails: readonly Vector[], { tellsClasses }: Plan): boolean => {
	const isNew = (one: Vector, i: number) => !thumbnails.slice(0, i).some((other) => showTheSame(one, other));
	return tellsClasses && thumbnails.filter(isNew).length >= TELLING;
};

/** A batch in parts that look alike, the largest first. */
export const partsOf = ({ affines: [affine], activations, stems }: Detected, plan: Plan): Part[] =>
	alike(stems.map((raw) => plan.ready(moments(raw)))).map((places) => ({
		places,
		affine,
		activations: places.length === stems.length ? activations : chosen(activations, places),
	}));

const stemOf = ({ places }: Part, { stems }: Detected, plan: Plan): Moments =>
	plan.ready(moments(pooled(places.map((place) => stems[place]))));

/** How far out of line a part is with what it was predicted with. */
export const attemptWith = ({ affine, activations }: Part, plan: Plan): Attempt =>
	attempted(minus(affine, plan.source), plan.measurement(shownIn([activations])), plan);

/**
 * Of a part of a batch that is unlike its domain: it is given what is known of its kind. Where that is not sure the source's
 * own parameters come first, and are kept unless they leave it far out of line. What looks like nothing that is known may then
 * be fitted to what it shows.
 */
export const ofStrange = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan): Opinion => {
	const nearest = nearestOf(stemOf(part, step, plan), kinds, plan);
	const kind = nearest && nearest.away < AKIN ? nearest.kind : undefined;
	if (kind?.isPresent) return { ...LEFT_ALONE, kind };
	if (kind && nearest && nearest.away < SURE)
		return { isStranger: true, kind, alignments: [kind.alignment], isSure: true };
	const known = kind && !isZero(kind.alignment) ? [kind.alignment] : [];
	const alignments = [zeros(plan.source.length), ...known];
	return { isStranger: true, kind, alignments, isSure: false, mayBeFitted: !kind };
};

/**
 * Whether a part of a domain that needs no alignment looks unlike the source, and unlike what the domain looks like: the
 * detector gets used to visits that never last.
 */
export const isVisitor = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan): boolean => {
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
 * rain on the lens is; and what the model doubts may be fitted, as with a little noise.
 */
export const ofUsual = (part: Part, step: Detected, kinds: readonly Kind[], plan: Plan): Opinion => {
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
	if (!isTelling(seen, plan)) return LEFT_ALONE;
	const attempt = attemptWith(part, plan);
	if (!(astrayOf(attempt, plan) >= ASTRAY))
		return { ...LEFT_ALONE, mayBeFitted: isPlain && isDoubtful(attempt, usualDoubtIn(knowledge), MUCH_DOUBT) };
	if (!isPlain) return { isStranger: false, alignments: [source], isSure: false };
	const look = stemOfStudy(knowledge);
	const home = look ? [{ stem: look, alignment: source }] : [];
	const kind = like([...home, ...kinds.filter(({ alignment }) => !isZero(alignment))]);
	const isOther = kind !== undefined && !isZero(kind.alignment);
	return { isStranger: true, kind, alignments: isOther ? [kind.alignment] : [], isSure: false, mayBeFitted: !isOther };
};

/** What the domain's own frames were doubted when they were swept is no reason to try again with each batch. */
const usualDoubtIn = ({ usualDoubt, doubt }: Knowledge): number | undefined =>
	usualDoubt === undefined ? undefined : Math.max(usualDoubt, doubt ?? 0);

/** Strangers by their kind, each part by itself of which nothing is known; most first. */
export const together = (
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
