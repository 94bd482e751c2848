import { aligned } from "./align.js";
import {
	type Anatomy,
	type Attempt,
	astrayOf,
	attempted,
	isDoubtful,
	isHarmless,
	isOrdinary,
	isPlain,
	isWorthIt,
	type Measurement,
	maySmooth,
} from "./attempt.js";
import { smoothingOf, withSmoothing } from "./smoothing.js";
import { misalignment } from "./tolerance.js";
import { type Vector, zeros } from "./vector.js";

/*
 * First how often pictures are to be smoothed, then alignment from front to back. What is measured behind a site that is about
 * to move says nothing about what is needed there, and all sites moved at once over-correct. So a sweep aligns one group of
 * sites after the other, each from a pass over the same frames with the groups before it in place.
 */

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

/**
 * Up to so much, in tolerances for the classes in view, the last site is aligned as well. What a site's alignment is worth shows
 * at the sites behind it, and behind the last there is none: in noise, of which much is left there, it makes the model surer,
 * and wrong.
 */
const IN_HAND = 2.5;

/**
 * The sweep after the pass that its trial asked for.
 * @param few what those frames showed in it over which smoothing is sought
 */
export const advancedSweep = (sweep: Sweep, measurement: Measurement, anatomy: Anatomy, few = measurement): Sweep => {
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
	const isDoubted = isDoubtful(latest, sweep.usualDoubt);
	const isHome = isOrdinary(latest, sweep.usualDoubt, anatomy) && !isDoubted;
	if ((isPlain(latest, anatomy) && !isDoubted) || anatomy.smoothings.length === 0)
		return { ...after, ...following(after, latest, anatomy) };
	const inFew = attempted(trial.alignment, few, anatomy);
	return sought({ ...after, isHome }, latest, inFew, { best: undefined }, anatomy);
};

/**
 * How often the picture is to be smoothed, sought over a few of the frames, one try after the other. Each is judged with the
 * stem aligned to it if it needs that, since what is smoothed has less contrast. Then all frames have their turn.
 */
const sought = (sweep: Sweep, source: Attempt, latest: Attempt, { best }: Seeking, anatomy: Anatomy): Sweep => {
	if (sweep.from === 0) {
		const ahead = following({ ...sweep, until: 1, seeking: { best } }, latest, anatomy);
		if (ahead.trial) return { ...sweep, ...ahead, seeking: { best } };
	}
	const isBetter = !best || isWorthIt(latest, best, sweep.usualDoubt, anatomy);
	const chosen = isBetter ? latest : best;
	const asksForMore = isBetter && maySmooth(chosen, anatomy);
	const more = asksForMore && anatomy.smoothings.find((times) => times > smoothingOf(latest.alignment));
	if (more) return { ...sweep, ...bare(more, anatomy), seeking: { best: chosen } };
	const times = smoothingOf(chosen.alignment);
	const settled = { ...sweep, ...bare(times, anatomy), seeking: undefined };
	if (times > 0) return { ...settled, isHome: false };
	return { ...settled, latest: source, ...following(settled, source, anatomy) };
};

/** A trial of pictures smoothed so often, with the source's own scales and biases. */
const bare = (times: number, { sites, source }: Anatomy) => {
	const open = sites.map(() => false);
	return { open, from: 0, trial: { alignment: withSmoothing(zeros(source.length), times), open, to: 0 } };
};

/** What comes after an attempt: the next group that is out of line, if what lies behind asks for one. */
const following = (sweep: Sweep, latest: Attempt, anatomy: Anatomy): Partial<Sweep> => {
	const { open, from, until, usualDoubt, seeking } = sweep;
	const { scores, measurement } = latest;
	const { sites, source, tolerances, groups } = anatomy;
	const times = smoothingOf(latest.alignment);
	const isInHand = groups === 0 || astrayOf(latest, anatomy) < IN_HAND;
	const last = isInHand ? sites.length : Math.max(1, sites.length - 1);
	for (let next = from; next < until; ) {
		// Tries with and without smoothing are judged alike.
		const does = seeking ? isHarmless : isOrdinary;
		if (next === 0 ? does(latest, usualDoubt, anatomy) : misalignment(scores, tolerances, next) < 1)
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
