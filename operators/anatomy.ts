import { sourceStem } from "./detect.js";
import { sourceTheta } from "./forward.js";
import type { SweepPart } from "./settings.js";
import type { Activations, Bundle } from "./types.js";
import type { Anatomy, Measurement } from "./zoa/attempt.js";
import { comparable } from "./zoa/exposure.js";
import { type Moments, pooled, type RawMoments } from "./zoa/moments.js";
import { apartness, tolerancesOf } from "./zoa/tolerance.js";
import { combination, entropy, rows, softmax, type Vector } from "./zoa/vector.js";

/** What `zoa+` works out once from a bundle. */
export interface Plan extends Anatomy {
	/** Moments of a stem [E] made ready for comparison: variances not far under the source's. */
	ready(moments: Moments): Moments;
	/** Whether the source's moments are known of each class. */
	readonly tellsClasses: boolean;
	/** Of the source's stem [E]. */
	readonly stem: Moments;
	/** Shift score from which on stems differ by more than the classes in view. */
	readonly otherwise: number;
	/** What frames showed, against the source's moments of the classes predicted. */
	measurement(frames: readonly Shown[]): Measurement;
}

/** What a frame showed in a pass. */
export interface Shown {
	/** Raw moments [2,S] of all sites. */
	readonly sites: RawMoments;
	/** [C] */
	readonly probabilities: Vector;
}

/** Each frame of some passes. */
export const shownIn = (passes: readonly Activations[]): Shown[] =>
	passes.flatMap(({ sites, logits, frames }) => {
		const own = rows(sites, sites.length / frames);
		return rows(logits, logits.length / frames).map((row, i) => ({ sites: own[i], probabilities: softmax(row) }));
	});

/** Groups that the sites behind the stem are swept in. */
const GROUPS = 7;

/** How often pictures are smoothed, from one try to the next. */
const SMOOTHINGS = [1, 2];

/** Shift score from which on frames of one class look otherwise. */
const OTHERWISE = 1.2;

/** @param without a part that is left out, in studies of what it does */
export const planOf = (bundle: Bundle, without?: SweepPart): Plan => {
	const { manifest, source } = bundle;
	const { sites } = manifest;
	const width = source.sites.length;
	const byClass = rows(source.sitesByClass, width);
	const stem = sourceStem(bundle);
	const apart = apartness(sites, source.sites, source.sitesByClass);
	const isPlain = byClass.length === 1 || without === "classes";
	const targetOf = (classes: Vector) => (isPlain ? source.sites : combination(classes, byClass));
	const measurement = (frames: readonly Shown[]): Measurement => {
		const classes = meanOf(frames.map(({ probabilities }) => probabilities));
		const doubts = frames.map(({ probabilities }) => 1 - concentrationOf(probabilities));
		return {
			frames: frames.length,
			measured: pooled(frames.map(({ sites }) => sites)),
			target: targetOf(classes),
			concentration: concentrationOf(classes),
			doubt: doubts.reduce((sum, doubt) => sum + doubt, 0) / doubts.length,
		};
	};
	return {
		sites,
		source: sourceTheta(bundle),
		apart,
		tolerances: tolerancesOf(apart),
		groups: without === "order" ? 0 : GROUPS,
		guarded: without !== "guard",
		smoothings: without === "smoothing" ? [] : SMOOTHINGS,
		tellsClasses: !isPlain,
		stem,
		otherwise: OTHERWISE + 2 * apart[0],
		ready: (seen) => comparable(seen, { source: stem }),
		measurement,
	};
};

/** Of a mix of classes: 0 for all alike, 1 for a single one. */
const concentrationOf = (classes: Vector): number =>
	classes.length > 1 ? 1 - entropy(classes) / Math.log(classes.length) : 1;

const meanOf = (vectors: readonly Vector[]): Vector =>
	combination(new Float64Array(vectors.length).fill(1 / vectors.length), vectors);
