import { aligned, shiftScores } from "./align.js";
import type { AffineSite } from "./mix.js";
import type { RawMoments } from "./moments.js";
import { smoothingOf, withSmoothing } from "./smoothing.js";
import { misalignment, strangeness, tolerancesOf } from "./tolerance.js";
import { type Vector, zeros } from "./vector.js";

/*
 * First how often pictures are to be smoothed, then alignment from front to back. What is measured behind a site that is about
 * to move says nothing about what is needed there, and all sites moved at once over-correct. So a sweep aligns one group of
 * sites after the other, each from a pass over the same frames with the groups before it in place.
 */

/** What a sweep has to know of the model. */
export interface Anatomy {
	readonly sites: readonly AffineSite[];
	/** θ0 [P] */
	readonly source: Vector;
	/** How far apart classes lie at each site, see `apartness`. */
	readonly apart: readonly number[];
	/** Of each site for all classes alike, see `tolerancesOf`. */
	readonly tolerances: readonly number[];
	/** Groups that the sites behind the stem are taken in; 0: all sites at once. */
	readonly groups: number;
	/** How often pictures may be smoothed, each tried where the one before has helped. */
	readonly smoothings: readonly number[];
	/** Whether an alignment that is not worth having is dropped, see `betterOf`, or not looked for, see `isSure`. */
	readonly guarded: boolean;
}

/** A pass over the sweep's frames: moments [2,S] of all sites, and those of the source for the classes predicted in it. */
export interface Measurement {
	readonly frames: number;
	readonly measured: RawMoments;
	readonly target: RawMoments;
	/** Of the predicted classes: 0 for all alike, 1 for a single one. */
	readonly concentration: number;
	/** Mean entropy of the predictions: 0 for no doubt, 1 for no idea. */
	readonly doubt: number;
}

/** An alignment and what a pass with it showed. */
export interface Attempt {
	/** a [P] */
	readonly alignment: Vector;
	readonly measurement: Measurement;
	readonly scores: readonly number[];
}

export interface Sweep {
	/** Sites that take part so far. */
	readonly open: readonly boolean[];
	/** The source's own parameters, which the first pass is made with. */
	readonly source: Attempt | undefined;
	/** The latest, with all groups so far in place. */
	readonly latest: Attempt | undefined;
	/** Whether the source's own parameters do, as far as is known: the picture is ordinary, and smoothing is not worth it. */
	readonly isHome: boolean;
	/** Doubt that the model has of the source's kind of picture; undefined: that is not known. */
	readonly usualDoubt: number | undefined;
	/** While it is sought how often the picture is to be smoothed, over a few of the frames. */
	readonly seeking: Seeking | undefined;
	/** Sites before this one have had their turn; those from `until` on get none. */
	readonly from: number;
	readonly until: number;
	/** What the next pass is to be made with; undefined: the sweep is over. */
	readonly trial: { readonly alignment: Vector; readonly open: readonly boolean[]; readonly to: number } | undefined;
}

interface Seeking {
	/** The best so far: with no alignment yet, or with that of the stem. */
	readonly best: Attempt | undefined;
}

/** A sweep, over the first `until` sites where that is given. */
export const begunSweep = (
	anatomy: Anatomy,
	{ until = anatomy.sites.length, usualDoubt }: { until?: number | undefined; usualDoubt?: number | undefined } = {},
): Sweep => ({
	source: undefined,
	latest: undefined,
	isHome: false,
	usualDoubt,
	seeking: undefined,
	until,
	...bare(0, anatomy),
});

/** The end of the group that starts at a site; the stem is a group of its own. */
const groupEnd = (from: number, until: number, { sites: { length }, groups }: Anatomy): number => {
	if (groups === 0) return until;
	return from === 0 ? 1 : Math.min(until, from + Math.ceil((length - 1) / groups));
};

/** What an alignment has come to after a pass with it. */
export const attempted = (alignment: Vector, measurement: Measurement, { sites }: Anatomy): Attempt => ({
	alignment,
	measurement,
	scores: shiftScores(sites, measurement.measured, measurement.target),
});

/** How far an attempt leaves the picture out of line: 1 is the border. */
export const residualOf = ({ scores }: Attempt, { tolerances }: Anatomy): number => misalignment(scores, tolerances);

/** Of several attempts the one that leaves the picture least out of line; the source where that one is not worth having. */
export const betterOf = (source: Attempt, attempts: readonly Attempt[], anatomy: Anatomy): Attempt => {
	const residual = (attempt: Attempt) => residualOf(attempt, anatomy);
	const best = attempts
		.filter((attempt) => Number.isFinite(residual(attempt)))
		.reduce<Attempt | undefined>((least, one) => (least && residual(least) <= residual(one) ? least : one), undefined);
	if (!best) return source;
	// Where the source's own residual is no number, anything is better.
	return anatomy.guarded && residual(best) >= residual(source) ? source : best;
};

/**
 * How much less out of line with the source's statistics frames are with what was chosen for them than with the model as it
 * was prepared: 1 − residual(chosen) / residual(source). 0 where the source was chosen, 1 where nothing is left to be wished
 * for, below 0 where it is further out of line. Undefined where that is no number.
 */
export const gainOf = (source: Attempt, chosen: Attempt, anatomy: Anatomy): number | undefined => {
	if (chosen === source) return 0;
	const gain = 1 - residualOf(chosen, anatomy) / residualOf(source, anatomy);
	// A shift score of nothing is rounded to next to nothing, on either side.
	return Number.isFinite(gain) ? Math.min(1, gain) : undefined;
};

/** How far out of line an attempt leaves the picture, in tolerances for the classes in view. */
export const astrayOf = ({ scores, measurement }: Attempt, { apart }: Anatomy): number =>
	misalignment(scores, tolerancesOf(apart, measurement.concentration));

/** Up to so much it is well in line: few frames show as much by chance. */
export const WELL = 0.7;

/** From so much on it is far out of line. */
export const ASTRAY = 3;

/**
 * Whether a few frames that look like nothing of the source's may do with the source's own parameters: they are not far out of
 * line, or the model is sure of them and they are not twice as far.
 */
export const doesAsItIs = (attempt: Attempt, usualDoubt: number | undefined, anatomy: Anatomy): boolean =>
	astrayOf(attempt, anatomy) < (isSure(attempt, usualDoubt, anatomy) ? 2 : 1) * ASTRAY;

/**
 * Up to so much, in tolerances for the classes in view, the last site is aligned as well. What a site's alignment is worth shows
 * at the sites behind it, and behind the last there is none: in noise, of which much is left there, it makes the model surer,
 * and wrong.
 */
const IN_HAND = 2.5;

/**
 * Tolerances, for the classes in view, up to which what reaches the deeper sites does no harm; and up to which it does none
 * where the model is nearly as sure of what it sees as usual: of pixelated pictures it is, and names most of them.
 */
const HARMLESS = 1.7;
const HARMLESS_IF_SURE = 3;

/** Share of the way from the usual doubt to not knowing at all on which a model is still sure. */
const LITTLE_DOUBT = 1 / 3;

/** Whether the model doubts hardly more than it does of the source's kind of picture; false where that is not known. */
const isSure = ({ measurement: { doubt } }: Attempt, usualDoubt: number | undefined, { guarded }: Anatomy): boolean =>
	guarded && usualDoubt !== undefined && doubt < usualDoubt + LITTLE_DOUBT * (1 - usualDoubt);

/** Whether frames, seen with the source's own parameters, are the source's kind of picture as far as the front can tell. */
export const isPlain = ({ scores, measurement }: Attempt, { tolerances }: Anatomy): boolean =>
	strangeness(scores, tolerances, measurement.frames) < 1;

/** Whether such frames need no other parameters: they are that kind, or what is strange about them does no harm. */
const isOrdinary = (attempt: Attempt, usualDoubt: number | undefined, anatomy: Anatomy): boolean =>
	isPlain(attempt, anatomy) ||
	astrayOf(attempt, anatomy) < (isSure(attempt, usualDoubt, anatomy) ? HARMLESS_IF_SURE : HARMLESS);

/** The sweep after the pass that its trial asked for. */
export const advancedSweep = (sweep: Sweep, measurement: Measurement, anatomy: Anatomy): Sweep => {
	const { trial } = sweep;
	if (!trial) return sweep;
	const latest = attempted(trial.alignment, measurement, anatomy);
	const after = { ...sweep, source: sweep.source ?? latest, latest, open: trial.open, from: trial.to };
	if (sweep.source) {
		const { source, seeking } = sweep;
		return seeking
			? sought(after, source, latest, seeking, anatomy)
			: { ...after, ...following(after, latest, anatomy) };
	}
	const isHome = isOrdinary(latest, sweep.usualDoubt, anatomy);
	if (isPlain(latest, anatomy) || anatomy.smoothings.length === 0)
		return { ...after, ...following(after, latest, anatomy) };
	return sought({ ...after, isHome }, latest, latest, { best: undefined }, anatomy);
};

/** What is less out of line, in tolerances for the classes in view, is not smoothed: each of its frames would take two passes. */
const LITTLE = 0.5;

/** Share of what is out of line that a smoothing has to do away with. */
const WORTH_IT = 0.3;

/**
 * How often the picture is to be smoothed, sought over a few of the frames, one try after the other. Each is judged with the
 * stem aligned to it if it needs that, since what is smoothed has less contrast. Then all frames have their turn.
 */
const sought = (sweep: Sweep, source: Attempt, latest: Attempt, { best }: Seeking, anatomy: Anatomy): Sweep => {
	if (sweep.from === 0 && !isOrdinary(latest, sweep.usualDoubt, anatomy)) {
		const ahead = following({ ...sweep, until: 1 }, latest, anatomy);
		if (ahead.trial) return { ...sweep, ...ahead, seeking: { best } };
	}
	const isBetter = !best || isWorthIt(latest, best, anatomy);
	const chosen = isBetter ? latest : best;
	const asksForMore = isBetter && !(astrayOf(chosen, anatomy) < LITTLE);
	const more = asksForMore && anatomy.smoothings.find((times) => times > smoothingOf(latest.alignment));
	if (more) return { ...sweep, ...bare(more, anatomy), seeking: { best: chosen } };
	const times = smoothingOf(chosen.alignment);
	const settled = { ...sweep, ...bare(times, anatomy), seeking: undefined };
	if (times > 0) return { ...settled, isHome: false };
	return { ...settled, latest: source, ...following(settled, source, anatomy) };
};

/** Whether a smoothing leaves a picture so much less out of line; anything is better than what gives no number. */
const isWorthIt = (latest: Attempt, best: Attempt, anatomy: Anatomy): boolean => {
	const [residual, before] = [residualOf(latest, anatomy), residualOf(best, anatomy)];
	return Number.isFinite(residual) && !(residual >= (1 - WORTH_IT) * before);
};

/** A trial of pictures smoothed so often, with the source's own scales and biases. */
const bare = (times: number, { sites, source }: Anatomy) => {
	const open = sites.map(() => false);
	return { open, from: 0, trial: { alignment: withSmoothing(zeros(source.length), times), open, to: 0 } };
};

/** What comes after an attempt: the next group that is out of line, if what lies behind asks for one. */
const following = ({ open, from, until, usualDoubt }: Sweep, latest: Attempt, anatomy: Anatomy): Partial<Sweep> => {
	const { scores, measurement } = latest;
	const { sites, source, tolerances, groups } = anatomy;
	const times = smoothingOf(latest.alignment);
	const isInHand = groups === 0 || astrayOf(latest, anatomy) < IN_HAND;
	const last = isInHand ? sites.length : Math.max(1, sites.length - 1);
	for (let next = from; next < until; ) {
		if (next === 0 ? isOrdinary(latest, usualDoubt, anatomy) : misalignment(scores, tolerances, next) < 1)
			return { from: next, trial: undefined, isHome: next === 0 && times === 0 };
		const to = groupEnd(next, until, anatomy);
		const wider = open.map((is, k) => is || (k >= next && k < Math.min(to, last) && scores[k] > tolerances[k]));
		if (wider.some((is, k) => is !== open[k])) {
			const alignment = aligned(sites, source, measurement.measured, measurement.target, (_, k) => wider[k]);
			return { from: next, trial: { alignment: withSmoothing(alignment, times), open: wider, to } };
		}
		next = to;
	}
	return { from: Math.max(from, until), trial: undefined };
};
