import { type Plan, type Shown, shownIn } from "./anatomy.js";
import { packed } from "./batch.js";
import { forward } from "./forward.js";
import type { Frame, Model, Pictured, Study, Tuning } from "./types.js";
import { type Attempt, astrayOf, attempted, betterOf, gainOf, isPlain, maySmooth, WELL } from "./zoa/attempt.js";
import { offered } from "./zoa/memory.js";
import { isMixture } from "./zoa/mixture.js";
import type { RandomState } from "./zoa/random.js";
import { advancedSweep, begunSweep } from "./zoa/sweep.js";
import { showTheSame } from "./zoa/thumbnail.js";
import { isZero, plus, toward, type Vector, zeros } from "./zoa/vector.js";

/** Frames that a domain keeps for its sweeps. */
export const KEPT = 32;

/** Different frames that all sites are aligned by. */
export const ENOUGH = 12;

/** Frames of a domain after which its stem is aligned, which hardly depends on what is in view. */
const FIRST = 16;

/** Share of what is kept that must be new since the last sweep for another one. */
const RENEWED = 0.6;

/** Frames, at most, over which it is sought how often they are to be smoothed. */
const FEW = 8;

/** Frames that a sweep passes through the model at once. */
export const BATCH = 8;

/** A frame offered to what is kept of its domain: balanced by predicted class, and none that shows the same again. */
export const withPicture = (
	study: Study,
	seen: Omit<Pictured, "at">,
	random: RandomState,
	isBalanced: boolean,
): [Study, RandomState] => {
	const tuned = { ...study.tuned, frames: study.tuned.frames + 1 };
	const look = study.look ? toward(study.look, seen.stem, 1 / tuned.frames) : seen.stem;
	const { pictures } = study;
	const picture = { ...seen, at: tuned.frames };
	const isKnown = pictures.kept.some(({ thumbnail }) => showTheSame(thumbnail, picture.thumbnail));
	if (isBalanced && isKnown) return [{ ...study, look, tuned }, random];
	const latest = { ...pictures, kept: [...pictures.kept, picture].slice(-KEPT) };
	const [offer, next] = isBalanced ? offered(pictures, picture, random, KEPT) : [latest, random];
	// What came as a part of its batch's moments is copied, or all of these would stay with it.
	const kept = offer.kept.map((one) => (one === picture ? { ...one, atSource: one.atSource?.slice() } : one));
	return [{ ...study, look, tuned, pictures: { ...offer, kept } }, next];
};

/**
 * Whether it is time for a sweep: frames enough are kept, and most of them are new since the last one. Whether an alignment
 * that is followed (drift.ts) still does is looked at ever more seldom, when there have been twice as many frames.
 */
export const isDue = ({ tuned, tuning, alignment, pictures: { kept } }: Study, { tellsClasses }: Plan): boolean => {
	const isEarly = tellsClasses && !isZero(alignment) && tuned.frames < 2 * tuned.until;
	const fresh = kept.filter(({ at }) => at > tuned.until).length;
	const isEnough = kept.length >= tuned.enough && fresh >= RENEWED * kept.length;
	return !tuning && tuned.frames >= FIRST && isEnough && !isEarly;
};

/**
 * A sweep begun: of all sites from frames enough, until then of the stem.
 * @param usualDoubt see `Sweep`
 * @param isTrial whether the alignment was taken up and not tried yet
 */
export const begun = (study: Study, plan: Plan, usualDoubt: number | undefined, isTrial = false): Study => {
	const { kept } = study.pictures;
	const isWhole = kept.length >= ENOUGH;
	const tuning: Tuning = {
		frames: kept.map(({ frame }) => frame),
		stems: kept.map(({ stem }) => stem),
		sweep: begunSweep(plan, { until: isWhole ? undefined : 1, usualDoubt }),
		present: isZero(study.alignment) ? undefined : study.alignment,
		tried: undefined,
		isCheck: isTrial || (plan.tellsClasses && study.tuned.enough === KEPT && study.astray < WELL),
		isTrial,
		done: [],
	};
	const { tuned } = study;
	const after: Study = {
		...study,
		tuning,
		tuned: { ...tuned, until: tuned.frames },
	};
	// Frames that were predicted with the source's own parameters need not be passed through the model with these again.
	const shown = kept.flatMap(({ atSource: sites, probabilities }) => (sites ? [{ sites, probabilities }] : []));
	return shown.length < kept.length ? after : passed(after, tuning, shown, plan);
};

/** One more batch of the pass under way. */
export const advanced = async (study: Study, model: Model, plan: Plan): Promise<Study> => {
	const tuning = study.tuning as Tuning;
	const all = passing(tuning);
	const from = BATCH * tuning.done.length;
	const frames = all.slice(from, from + BATCH);
	const done = [...tuning.done, await forward(model, packed(frames), plus(plan.source, next(tuning) as Vector))];
	if (from + frames.length < all.length) return { ...study, tuning: { ...tuning, done } };
	return passed(study, { ...tuning, done: [] }, shownIn(done), plan);
};

/** The frames that the pass under way is about: a few while it is sought how often they are to be smoothed. */
const passing = (tuning: Tuning): readonly Frame[] => {
	const { frames, sweep } = tuning;
	return sweep.seeking && !untried(tuning) ? fewOf(frames) : frames;
};

/** A few of all ages. */
const fewOf = <T>(all: readonly T[]): T[] => {
	const count = Math.min(FEW, all.length);
	return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);
};

/** What comes after a complete pass. */
const passed = (study: Study, tuning: Tuning, shown: readonly Shown[], plan: Plan): Study => {
	const { sweep, stems, isCheck, isTrial } = tuning;
	const measurement = plan.measurement(shown);
	const present = untried(tuning);
	if (!sweep.source && isMixture(stems, plan.stem, plan.ready)) return settled(study, tuning, plan);
	if (!sweep.source || !present) {
		const few = sweep.source ? measurement : plan.measurement(fewOf(shown));
		const after = { ...tuning, sweep: advancedSweep(sweep, measurement, plan, few) };
		return next(after) ? { ...study, tuning: after } : settled(study, after, plan);
	}
	const tried = attempted(present, measurement, plan);
	const fits =
		betterOf(sweep.source, [tried], plan) === tried && (!isTrial || isExpected(sweep.source, tried, study, plan));
	const after = { ...tuning, present: undefined, tried: fits || !isTrial ? tried : undefined };
	const isOver = !next(after) || (isCheck && fits);
	return isOver ? settled(study, after, plan) : { ...study, tuning: after };
};

/** Share of what an alignment gained where it was learned that it has to gain where it is taken up. */
const EXPECTED = 0.6;

/** Whether something is out of line without what was taken up, and that gains nearly what it did where it was learned. */
const isExpected = (source: Attempt, tried: Attempt, { gain: before = 0 }: Study, plan: Plan): boolean => {
	if (!plan.guarded) return true;
	// A few pictures of perhaps one class stay further out of line.
	const isTelling = tried.measurement.frames >= ENOUGH;
	const isLess = isTelling && (gainOf(source, tried, plan) ?? 1) < EXPECTED * before;
	return maySmooth(source, plan) && !isLess;
};

/** The alignment that there is, where the source's parameters will not do and it is that one's turn. */
const untried = ({ sweep, present }: Tuning): Vector | undefined =>
	sweep.source && !sweep.isHome ? present : undefined;

/** What the next pass is made with: the source's parameters and, where these will not do, the present ones; then groups. */
const next = (tuning: Tuning): Vector | undefined => untried(tuning) ?? tuning.sweep.trial?.alignment;

/** The sweep's outcome put to use; without one nothing fits all frames, and the source's own parameters have to do. */
const settled = (study: Study, { sweep, tried }: Tuning, plan: Plan): Study => {
	const { source, latest } = sweep;
	const { tuned } = study;
	const found = source && latest && betterOf(source, tried ? [latest, tried] : [latest], plan);
	const isWhole = sweep.until === plan.sites.length;
	// Where the alignment stays, so does what is expected of it, or it would grow worse by and by unseen.
	const isKept = found !== undefined && found === tried;
	return {
		...study,
		alignment: found?.alignment ?? zeros(plan.source.length),
		doubt: isWhole ? source?.measurement.doubt : undefined,
		isPlain: source !== undefined && isWhole && isPlain(source, plan),
		gain: isKept && study.gain !== undefined ? study.gain : source && found ? gainOf(source, found, plan) : 0,
		astray: isKept && study.astray > 0 ? study.astray : found ? astrayOf(found, plan) : 0,
		latest: [],
		tuning: undefined,
		tuned: { ...tuned, sweeps: tuned.sweeps + (found ? 1 : 0), enough: isWhole ? KEPT : ENOUGH },
	};
};
