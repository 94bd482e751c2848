import { shiftScores } from "./align.js";
import type { AffineSite } from "./mix.js";
import type { RawMoments } from "./moments.js";
import { rows, type Vector } from "./vector.js";

/** Shift score that ordinary pictures show at a site that sees no classes, against the source. */
const ORDINARY = 0.12;

/**
 * What is added to it for each unit of shift score that lies between the classes at a site, on average; and what more when
 * a single class is seen. A target made of predicted classes is never quite the mix that is there.
 */
const OF_CLASSES = 0.12;
const OF_ONE_CLASS = 0.3;

/** Sites at the front of the model that see the picture and hardly the classes in it: the stem, and what follows it. */
const FRONT = 2;

/** Mean shift score between each class and all of them at each site; `byClass` [K,2,S]. */
export const apartness = (sites: readonly AffineSite[], overall: RawMoments, byClass: Vector): number[] => {
	const classes = rows(byClass, overall.length).map((own) => shiftScores(sites, own, overall));
	return sites.map((_, k) => classes.reduce((sum, scores) => sum + scores[k], 0) / classes.length);
};

/**
 * Shift score that each site may have while the picture is in line with the source. A window holds other classes than
 * calibration did; so deep sites, where classes lie far apart, may be further off than those at the front, and the more so
 * the fewer classes there are. `concentration`: 0 for all classes alike, 1 for a single one.
 */
export const tolerancesOf = (apart: readonly number[], concentration = 0): number[] =>
	apart.map((distance) => ORDINARY + distance * (OF_CLASSES + OF_ONE_CLASS * concentration));

const meanFrom = (from: number, scores: readonly number[], tolerances: readonly number[]): number => {
	const shares = scores.slice(from).map((score, i) => score / tolerances[from + i]);
	return shares.reduce((sum, share) => sum + share, 0) / shares.length;
};

/**
 * How far what lies behind the first `from` sites is out of line, in tolerances: 1 is the border. What is measured at a
 * site says how well the sites before it are aligned, since it is taken before the site's own scale and bias.
 */
export const misalignment = (scores: readonly number[], tolerances: readonly number[], from = 1): number =>
	meanFrom(Math.min(from, scores.length - 1), scores, tolerances);

/** What frames show by chance, shift score times frames; twice that, where it is a single one. */
const OF_CHANCE = 0.6;

/** How far so many frames, seen with the source's own parameters, are out of line, as the front shows; 1 is the border. */
export const strangeness = (scores: readonly number[], tolerances: readonly number[], frames: number): number =>
	Math.max(
		...scores.slice(0, FRONT).map((score, k) => score / (tolerances[k] + (OF_CHANCE * (1 + 1 / frames)) / frames)),
	);
