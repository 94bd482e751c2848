import { shiftScores } from "./align.js";
import type { AffineSite } from "./mix.js";
import type { RawMoments } from "./moments.js";
import { smoothingOf } from "./smoothing.js";
import { misalignment, strangeness, tolerancesOf } from "./tolerance.js";
import type { Vector } from "./vector.js";

/** What has to be known of the model to align it. */
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
 * Tolerances, for the classes in view, up to which what reaches the deeper sites does no harm; and up to which it does none
 * where the model is nearly as sure of what it sees as usual: of pixelated pictures it is, and names most of them. What
 * smoothing has taken the worst from is not let off so easily.
 */
const HARMLESS = 1.7;
const HARMLESS_IF_SURE = 3;
const HARMLESS_IF_SMOOTHED = 1.4;

/** Shares of the way from the usual doubt to not knowing at all: up to which a model is still sure; from which on it is not. */
const LITTLE_DOUBT = 1 / 3;
const SOME_DOUBT = 0.15;
/** The same for the few frames of a batch. */
export const MUCH_DOUBT = 0.25;

/** Whether the model doubts hardly more than it does of the source's kind of picture; false where that is not known. */
const isSure = ({ measurement: { doubt } }: Attempt, usualDoubt: number | undefined, { guarded }: Anatomy): boolean =>
	guarded && usualDoubt !== undefined && doubt < usualDoubt + LITTLE_DOUBT * (1 - usualDoubt);

/** Different frames that it takes to tell that they are out of line or doubted, since a few are by chance. */
export const TELLING = 4;

/** Whether the model doubts more than it does of the source's kind of picture; false where that is not known, or by few frames. */
export const isDoubtful = (
	{ measurement: { doubt, frames } }: Attempt,
	usualDoubt: number | undefined,
	share = SOME_DOUBT,
): boolean => usualDoubt !== undefined && frames >= TELLING && doubt >= usualDoubt + share * (1 - usualDoubt);

/** What is less out of line, in tolerances for the classes in view, is not smoothed. */
const LITTLE = 0.5;

/** Whether enough is out of line that smoothing may do away with. */
export const maySmooth = (attempt: Attempt, anatomy: Anatomy): boolean => !(astrayOf(attempt, anatomy) < LITTLE);

/** Share of what is out of line that a smoothing has to do away with; or any, if the model doubts so much less for it. */
const WORTH_IT = 0.25;
const SURER = 0.05;

/** Whether a smoothing is worth it: it leaves a picture so much less out of line, or less and the model surer of it. */
export const isWorthIt = (
	latest: Attempt,
	best: Attempt,
	usualDoubt: number | undefined,
	anatomy: Anatomy,
): boolean => {
	const [residual, before] = [residualOf(latest, anatomy), residualOf(best, anatomy)];
	// Anything is better than what gives no number.
	if (!Number.isFinite(residual) || !Number.isFinite(before)) return Number.isFinite(residual);
	const isSurer =
		usualDoubt !== undefined && best.measurement.doubt - latest.measurement.doubt >= SURER * (1 - usualDoubt);
	return residual < (isSurer ? 1 : 1 - WORTH_IT) * before;
};

/** Whether frames, seen with the source's own parameters, are the source's kind of picture as far as the front can tell. */
export const isPlain = ({ scores, measurement }: Attempt, { tolerances }: Anatomy): boolean =>
	strangeness(scores, tolerances, measurement.frames) < 1;

/** Whether what is left out of line does no harm, `limit` being for a model that is not sure. */
export const isHarmless = (
	attempt: Attempt,
	usualDoubt: number | undefined,
	anatomy: Anatomy,
	limit = HARMLESS_IF_SMOOTHED,
): boolean => astrayOf(attempt, anatomy) < (isSure(attempt, usualDoubt, anatomy) ? HARMLESS_IF_SURE : limit);

/** Whether such frames need no other parameters: they are that kind, or what is strange about them does no harm. */
export const isOrdinary = (attempt: Attempt, usualDoubt: number | undefined, anatomy: Anatomy): boolean => {
	// The front of what is smoothed does not show what is left of it further on.
	if (smoothingOf(attempt.alignment) > 0) return isHarmless(attempt, usualDoubt, anatomy);
	return isPlain(attempt, anatomy) || isHarmless(attempt, usualDoubt, anatomy, HARMLESS);
};
