import { concatMap, map, type OperatorFunction, pipe } from "rxjs";
import { type Plan, planOf } from "./anatomy.js";
import { followed } from "./drift.js";
import { isSwept, nearestOf, stemOfStudy, storedKinds } from "./kinds.js";
import { unfinished, unstudied } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import { advanced, BATCH, begun, isDue, withPicture } from "./study.js";
import type { Camera, Knowledge, Model, Observed, Recalled, Study } from "./types.js";
import { learned } from "./zoa/mix.js";
import { moments, pooled, shiftScore } from "./zoa/moments.js";
import type { RandomState } from "./zoa/random.js";
import { equal, isZero, minus, rows, type Vector, zeros } from "./zoa/vector.js";

/**
 * Aligns the model to the present domain in sweeps from front to back (zoa/sweep.ts) over frames that are kept of it: soon
 * after it began, and then whenever most of what is kept is new, each time beginning at the source, so that nothing is kept
 * that has become worse than doing nothing. What looks unlike the domain is studied at once, as a candidate for the next one.
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
		const { knowledge, verdict } = step;
		if (verdict === "odd" && sweeping.without === "candidate") return step;
		if (verdict === "same") {
			const [own, random] = studied(knowledge, step, plan, sweeping);
			const study = sweeping.without === "drift" ? own : followed(own, observed(step), plan);
			const candidate = step.detector.evidence === 0 ? undefined : knowledge.candidate;
			return { ...step, knowledge: { ...knowledge, ...study, random, candidate } };
		}
		const [study, random] = studied(candidateOf(step, plan), step, plan, sweeping);
		if (verdict === "odd") return { ...step, knowledge: { ...knowledge, random, candidate: study } };
		const alignment = begunWith(step, study, plan);
		return { ...step, knowledge: { ...knowledge, ...study, alignment, random, candidate: undefined } };
	});

/** Shift score from which on what is odd is odd in another way than before. */
const OTHERWISE = 1.2;

/** What is known of what is odd: nothing yet, where it looks otherwise than what was odd before. */
const candidateOf = ({ stems, knowledge: { candidate, memory } }: Recalled, plan: Plan): Study => {
	const before = candidate && stemOfStudy(candidate);
	const stem = plan.ready(moments(pooled(stems)));
	if (candidate && (!before || shiftScore(stem, plan.ready(before)) < OTHERWISE)) return candidate;
	return { ...unstudied(memory.seen.length), alignment: zeros(plan.source.length) };
};

/** What another domain begins with: what was learned of the candidate or, until then, what its first batch was predicted with. */
const begunWith = ({ affine, knowledge: { mix } }: Recalled, study: Study, { source }: Plan): Vector =>
	isSwept(study) ? study.alignment : minus(minus(affine, source), learned(mix));

/** A domain's study with the round's frames. */
const studied = (before: Study, step: Recalled, plan: Plan, { without }: Sweeping): [Study, RandomState] => {
	const { activations, stems, thumbnails, frames, predictions, knowledge, verdict, affine } = step;
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	// In a domain with an alignment the frames of a batch may have been predicted with different parameters.
	const isAtSource = verdict === "same" && isZero(knowledge.alignment) && equal(affine, plan.source);
	let study = before;
	let { random } = knowledge;
	predictions.forEach(({ frame, probabilities }, i) => {
		const atSource = isAtSource ? sites[i] : undefined;
		const seen = { frame, probabilities, atSource, stem: stems[i], thumbnail: thumbnails[i] };
		[study, random] = withPicture(study, seen, random, without !== "balance");
	});
	return [study, random];
};

/** The round's frames that were predicted with the alignment that their domain has. */
const observed = ({ again, domainEvent, knowledge, ...step }: Recalled): Observed[] => {
	if (isZero(knowledge.alignment) || domainEvent) return [];
	const { activations, stems, thumbnails, frames, predictions } = step;
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	const all = predictions.map(({ frame, probabilities }, i) => {
		const at = knowledge.tuned.frames + i + 1;
		return {
			picture: { frame, probabilities, at, stem: stems[i], thumbnail: thumbnails[i], atSource: undefined },
			sites: sites[i],
		};
	});
	return all.filter((_, i) => !again.includes(i));
};

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

/** Sweeps begun that are due, unless the bank holds what will be taken up instead. */
const withSweeps = (knowledge: Knowledge, plan: Plan, nearness: number): Knowledge => {
	const { candidate } = knowledge;
	const next = candidate && isDue(candidate) && !isStored(candidate, knowledge, plan, nearness);
	const after = next ? { ...knowledge, candidate: begun(candidate, plan) } : knowledge;
	const isWaiting = after.domain.status === "looking" && isStored(after, after, plan, nearness);
	return isDue(after) && !isWaiting ? withStudy(after, begun(after, plan)) : after;
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

/** Whether a study's frames look like a domain in the bank, whose parameters it will be given: others than the source's. */
const isStored = (study: Study, knowledge: Knowledge, plan: Plan, nearness: number): boolean => {
	const stem = stemOfStudy(study);
	const nearest = stem && nearestOf(plan.ready(stem), storedKinds(knowledge), plan);
	return nearest !== undefined && nearest.away < nearness && !isZero(nearest.alignment);
};
