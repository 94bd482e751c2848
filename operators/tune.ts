import { concatMap, map, type OperatorFunction, pipe } from "rxjs";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { isNone, isSwept, nearestOf, stemOfStudy, storedKinds } from "./kinds.js";
import { unfinished, unstudied } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import type { Camera, Frame, Knowledge, Model, Recalled, Study, Tuning } from "./types.js";
import { offered } from "./zoa/memory.js";
import { learned } from "./zoa/mix.js";
import { isMixture } from "./zoa/mixture.js";
import { moments, pooled, shiftScore } from "./zoa/moments.js";
import type { RandomState } from "./zoa/random.js";
import { advancedSweep, attempted, begunSweep, betterOf, gainOf, type Measurement } from "./zoa/sweep.js";
import { showTheSame, thumbnail } from "./zoa/thumbnail.js";
import { minus, plus, rows, type Vector, zeros } from "./zoa/vector.js";

/** Frames that a domain keeps for its sweeps. */
const KEPT = 32;

/** Different frames that all sites are aligned by. */
const ENOUGH = 12;

/** Frames of a domain after which its stem is aligned, which hardly depends on what is in view. */
const FIRST = 16;

/** Share of what is kept that must be new since the last sweep for another one. */
const RENEWED = 0.6;

/** Frames that a sweep passes through the model at once. */
const BATCH = 8;

/**
 * Aligns the model to the present domain in sweeps from front to back (zoa/sweep.ts) over frames that were kept of it: soon
 * after it began, and then ever more rarely, each time beginning at the source, so that nothing is kept that has become
 * worse than doing nothing. What looks unlike the domain is studied at once as a candidate for the next one.
 */
export const tune = (
	model: Model,
	camera: Camera,
	sweeping: Sweeping,
	nearness: number,
): OperatorFunction<Recalled, Recalled> => {
	const plan = planOf(model.bundle, sweeping.without);
	return pipe(remember(plan, sweeping), sweep(model, camera, plan, sweeping, nearness));
};

/** Each frame offered to what is kept of its domain: the present one, or the candidate. */
const remember = (plan: Plan, sweeping: Sweeping): OperatorFunction<Recalled, Recalled> =>
	map((step) => {
		const { knowledge, verdict, domainEvent } = step;
		if (verdict === "odd" && sweeping.without === "candidate") return step;
		const candidate = candidateOf(step, plan);
		const [study, random] = studied(verdict === "same" ? knowledge : candidate, step, plan, sweeping);
		if (verdict === "odd") return { ...step, knowledge: { ...knowledge, random, candidate: study } };
		if (verdict === "same") {
			const isOver = step.detector.evidence === 0;
			return {
				...step,
				knowledge: { ...knowledge, ...study, random, candidate: isOver ? undefined : knowledge.candidate },
			};
		}
		// A domain that was recognized has its own.
		const { alignment, gain } =
			domainEvent === "matched" ? knowledge : { alignment: begunWith(step, study, plan), gain: study.gain };
		return { ...step, knowledge: { ...knowledge, ...study, alignment, gain, random, candidate: undefined } };
	});

/** Shift score from which on what is odd is odd in another way than before. */
const OTHERWISE = 1.2;

/** What is known of what is odd: nothing yet, where it looks otherwise than what was odd before. */
const candidateOf = ({ activations, knowledge: { candidate, memory } }: Recalled, plan: Plan): Study => {
	const before = candidate && stemOfStudy(candidate);
	const stem = plan.ready(moments(pooled(plan.stemsOf(activations))));
	if (candidate && (!before || shiftScore(stem, plan.ready(before)) < OTHERWISE)) return candidate;
	return { ...unstudied(memory.seen.length), alignment: zeros(plan.source.length) };
};

/** What another domain begins with: what was learned of the candidate or, until then, what its first batch was predicted with. */
const begunWith = ({ affine, knowledge: { mix } }: Recalled, study: Study, { source }: Plan): Vector =>
	isSwept(study) ? study.alignment : minus(minus(affine, source), learned(mix));

/** A domain's study with the round's frames. */
const studied = (study: Study, step: Recalled, plan: Plan, { without }: Sweeping): [Study, RandomState] => {
	const { activations, frames, predictions } = step;
	const { width, height } = plan.input;
	let { random } = step.knowledge;
	let { pictures } = study;
	const stems = plan.stemsOf(activations);
	const isAtSource = step.verdict === "same" && isSource(step.affine, plan);
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	predictions.forEach(({ frame, probabilities }, i) => {
		const picture = {
			frame,
			probabilities,
			thumbnail: thumbnail(frame.pixels, width, height),
			stem: stems[i],
			atSource: isAtSource ? sites[i].slice() : undefined,
		};
		if (without === "balance") pictures = { ...pictures, kept: [...pictures.kept, picture].slice(-KEPT) };
		else if (!pictures.kept.some((kept) => showTheSame(kept.thumbnail, picture.thumbnail)))
			[pictures, random] = offered(pictures, picture, random, KEPT);
	});
	const { tuned } = study;
	return [{ ...study, pictures, tuned: { ...tuned, frames: tuned.frames + frames.length } }, random];
};

const isSource = (affine: Vector, { source }: Plan): boolean => affine.every((value, i) => value === source[i]);

/** Frames that learning may pass through the model at once, before it has to wait for its share. */
const BURST = 1024;

/** Passes go between the live ones, a share of them; from a live source one is let in only when no batch waits. */
const sweep = (
	model: Model,
	camera: Camera,
	plan: Plan,
	{ cpu }: Sweeping,
	nearness: number,
): OperatorFunction<Recalled, Recalled> => {
	let credit = BURST;
	return concatMap(async ({ knowledge: before, ...round }) => {
		const live = round.frames.length;
		credit = Math.min(BURST, credit + (live * cpu) / (1 - cpu));
		let knowledge = withSweeps(before, plan, nearness);
		while (isSweeping(knowledge) && credit >= BATCH && !(camera.live && camera.waiting >= live)) {
			knowledge = await progressed(knowledge, model, plan);
			credit -= BATCH;
		}
		return { ...round, knowledge };
	});
};

const isSweeping = ({ tuning, candidate }: Knowledge) => tuning !== undefined || candidate?.tuning !== undefined;

/** Sweeps begun that are due, of the present domain and of a candidate that nothing is known of. */
const withSweeps = (knowledge: Knowledge, plan: Plan, nearness: number): Knowledge => {
	const { candidate } = knowledge;
	const next = candidate && isDue(candidate) && !isStored(candidate, knowledge, plan, nearness);
	const after = next ? { ...knowledge, candidate: begun(candidate, plan) } : knowledge;
	return isDue(after) ? withStudy(after, begun(after, plan)) : after;
};

/** One more batch of the candidate's sweep or, where there is none, of the present domain's. */
const progressed = async (knowledge: Knowledge, model: Model, plan: Plan): Promise<Knowledge> => {
	const { candidate } = knowledge;
	if (candidate?.tuning) return { ...knowledge, candidate: await advanced(candidate, model, plan) };
	return withStudy(knowledge, await advanced(knowledge, model, plan));
};

/** The present domain's study replaced; a sweep that has come to its end is a step. */
const withStudy = (knowledge: Knowledge, study: Study): Knowledge => {
	const { domain, counts } = knowledge;
	if (study.tuning) return { ...knowledge, ...study };
	return {
		...knowledge,
		...study,
		...unfinished,
		domain: { ...domain, steps: domain.steps + 1 },
		counts: { ...counts, steps: counts.steps + 1 },
	};
};

/** Whether a candidate looks like a domain in the bank, whose parameters it will be given. */
const isStored = (candidate: Study, knowledge: Knowledge, plan: Plan, nearness: number): boolean => {
	const stem = stemOfStudy(candidate);
	const nearest = stem && nearestOf(plan.ready(stem), storedKinds(knowledge), plan);
	return nearest !== undefined && nearest.away < nearness;
};

/** Whether it is time for a sweep: frames enough are kept, and most of them are new since the last one. */
const isDue = ({ tuned, tuning, pictures: { kept } }: Study): boolean => {
	const fresh = kept.filter(({ frame }) => frame.index > tuned.until).length;
	return !tuning && tuned.frames >= FIRST && kept.length >= tuned.enough && fresh >= RENEWED * kept.length;
};

/** A sweep begun: of all sites from frames enough, until then of the stem, which hardly depends on what is in view. */
const begun = ({ tuned, pictures, alignment, gain }: Study, plan: Plan): Study => {
	const { kept } = pictures;
	const isWhole = kept.length >= ENOUGH;
	const tuning: Tuning = {
		frames: kept.map(({ frame }) => frame),
		sweep: begunSweep(plan, isWhole ? undefined : 1),
		others: isNone(alignment) ? [] : [alignment],
		...{ tried: [], done: [] },
	};
	const until = Math.max(...kept.map(({ frame }) => frame.index));
	const study: Study = {
		...{ alignment, pictures, tuning, gain },
		tuned: { ...tuned, sweeps: tuned.sweeps + 1, until, enough: isWhole ? KEPT : ENOUGH },
	};
	// Frames that were predicted with the source's own parameters need not be passed through the model with these again.
	const atSource = kept.flatMap(({ atSource }) => (atSource ? [atSource] : []));
	if (atSource.length < kept.length) return study;
	const probabilities = kept.map(({ probabilities }) => probabilities);
	return seen(study, tuning, plan.measurement(atSource, probabilities), plan);
};

/** One more batch of the pass under way. */
const advanced = async (study: Study, model: Model, plan: Plan): Promise<Study> => {
	const tuning = study.tuning as Tuning;
	const from = BATCH * tuning.done.length;
	const frames: readonly Frame[] = tuning.frames.slice(from, from + BATCH);
	const done = [...tuning.done, await model.forward(packed(frames), plus(plan.source, next(tuning) as Vector))];
	if (from + frames.length < tuning.frames.length) return { ...study, tuning: { ...tuning, done } };
	return seen(study, { ...tuning, done: [] }, plan.measurementOf(done), plan);
};

/** What comes after a complete pass. */
const seen = (study: Study, tuning: Tuning, measurement: Measurement, plan: Plan): Study => {
	const { sweep, others, tried } = tuning;
	const stems = study.pictures.kept.map(({ stem }) => stem);
	if (!sweep.source && isMixture(stems, plan.stem, plan.ready)) return settled(study, plan, undefined);
	const after: Tuning = sweep.trial
		? { ...tuning, sweep: advancedSweep(sweep, measurement, plan) }
		: { ...tuning, others: others.slice(1), tried: [...tried, attempted(others[0], measurement, plan)] };
	return next(after) ? { ...study, tuning: after } : settled(study, plan, after);
};

/** What the next pass is made with: what the sweep asks for and, where it found that the source will not do, the others. */
const next = ({ sweep, others }: Tuning): Vector | undefined =>
	sweep.trial?.alignment ?? (sweep.from > 0 ? others[0] : undefined);

/** The sweep's outcome put to use; without one nothing fits all frames, and the source's own parameters have to do. */
const settled = (study: Study, plan: Plan, tuning: Tuning | undefined): Study => {
	const { source, latest, from, until } = tuning?.sweep ?? {};
	const { tuned } = study;
	const found = source && latest && betterOf(source, [latest, ...(tuning?.tried ?? [])], tuned.isHome, plan);
	return {
		...study,
		alignment: found?.alignment ?? zeros(plan.source.length),
		gain: source && found ? gainOf(source, found, plan) : 0,
		tuning: undefined,
		tuned: { ...tuned, isHome: from === 0 && until === plan.sites.length },
	};
};
