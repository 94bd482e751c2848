import { concatMap, type OperatorFunction, pipe } from "rxjs";
import { type Plan, planOf } from "./anatomy.js";
import { lookedUp } from "./domains.js";
import { gather } from "./gather.js";
import { nearestOf, stemOfStudy, storedKinds } from "./kinds.js";
import { BURST, unfinished, unknownDomain } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import { advanced, BATCH, begun, ENOUGH, isDue } from "./study.js";
import type { Camera, CurrentDomain, Knowledge, Model, Recalled, Study } from "./types.js";
import { isZero } from "./zoa/vector.js";

/**
 * Aligns the model to the present domain in sweeps from front to back (zoa/sweep.ts) over frames that are kept of it: soon
 * after it began, and then where the alignment may no longer do, each time beginning at the source, so that nothing is kept
 * that has become worse than doing nothing. Candidates for the next domain are swept like the present one.
 */
export const tune = (
	model: Model,
	camera: Camera,
	sweeping: Sweeping,
	nearness: number,
): OperatorFunction<Recalled, Recalled> => {
	const plan = planOf(model.bundle, sweeping.without);
	return pipe(gather(plan, sweeping), sweep(model, camera, plan, { nearness, sweep: sweeping }));
};

/** What is taken up and tried: what looks like the domain by less than `nearness`, a shift score. */
interface Lookup {
	readonly nearness: number;
	readonly sweep: Sweeping;
}

/** Frames that learning may take ahead of its share to try what was taken up, with which all is predicted until then. */
const DEBT = 64;

/** Passes go between the live ones, a share of them; from a live source one is let in only when no batch waits. */
const sweep = (model: Model, camera: Camera, plan: Plan, lookup: Lookup): OperatorFunction<Recalled, Recalled> =>
	concatMap(async ({ knowledge: before, ...round }) => {
		const live = round.frames.length;
		const { cpu } = lookup.sweep;
		let credit = Math.min(BURST, before.credit + (live * cpu) / (1 - cpu));
		let knowledge = withSweeps(before, plan, lookup);
		const isAfforded = () => credit - BATCH >= (isOnTrial(knowledge) ? -DEBT : 0);
		while (isSweeping(knowledge) && isAfforded() && !(camera.live && camera.waiting >= live)) {
			knowledge = await progressed(knowledge, round.verdict !== "same", model, plan, lookup);
			credit -= BATCH;
		}
		const { id, status } = knowledge.domain;
		const isOther = id !== before.domain.id;
		const domainEvent = isOther ? (status === "matched" ? "matched" : "new") : round.domainEvent;
		return { ...round, domainEvent, knowledge: { ...knowledge, credit } };
	});

const isSweeping = ({ tuning, candidates }: Knowledge) =>
	tuning !== undefined || candidates.some((candidate) => candidate.tuning !== undefined);

/** Whether what was taken up is being tried, or what fits better is sought. */
const isOnTrial = ({ tuning }: Knowledge) => tuning?.isTrial === true;

/**
 * Sweeps begun that are due, of the candidates one at a time, unless the bank holds what will be taken up instead. What was
 * taken up is tried, since it may look like the frames at hand and not fit them.
 */
const withSweeps = (knowledge: Knowledge, plan: Plan, lookup: Lookup): Knowledge => {
	const { candidates } = knowledge;
	const { nearness } = lookup;
	const isNext = (study: Study) => isDue(study, plan) && !isStored(study, knowledge, plan, nearness);
	const next = candidates.some(({ tuning }) => tuning) ? undefined : candidates.find(isNext);
	const after = next ? withCandidate(knowledge, next, begun(next, plan, knowledge.usualDoubt)) : knowledge;
	if (after.isUnproven) return withTrial(after, plan, lookup);
	const isWaiting = after.domain.status === "looking" && isStored(after, after, plan, nearness);
	return isDue(after, plan) && !isWaiting
		? withStudy(after, begun(after, plan, after.usualDoubt), plan, lookup)
		: after;
};

/** Frames of a domain that was taken up after which it is tried though not enough of them are different. */
const PATIENCE = 128;

/** The trial of what was taken up begun, once enough is kept of this visit. */
const withTrial = (knowledge: Knowledge, plan: Plan, lookup: Lookup): Knowledge => {
	const { isUnproven, tuning, tuned, pictures, usualDoubt } = knowledge;
	const isEnough = pictures.kept.length >= ENOUGH || tuned.frames - tuned.until >= PATIENCE;
	if (!isUnproven || tuning || !isEnough || pictures.kept.length === 0) return knowledge;
	return withStudy(knowledge, begun(knowledge, plan, usualDoubt, true), plan, lookup);
};

/** One more batch of a candidate's sweep or of the present domain's; that one's goes first unless the batch was odd and nothing is on trial. */
const progressed = async (
	knowledge: Knowledge,
	isOdd: boolean,
	model: Model,
	plan: Plan,
	lookup: Lookup,
): Promise<Knowledge> => {
	const candidate = knowledge.candidates.find(({ tuning }) => tuning);
	if (candidate && ((isOdd && !isOnTrial(knowledge)) || !knowledge.tuning))
		return withCandidate(knowledge, candidate, await advanced(candidate, model, plan));
	return withStudy(knowledge, await advanced(knowledge, model, plan), plan, lookup);
};

const withCandidate = (knowledge: Knowledge, before: Study, after: Study): Knowledge => ({
	...knowledge,
	usualDoubt: least(knowledge.usualDoubt, after),
	candidates: knowledge.candidates.map((candidate) => (candidate === before ? after : candidate)),
});

const least = (usual: number | undefined, { doubt, isPlain }: Study): number | undefined =>
	isPlain && doubt !== undefined ? Math.min(usual ?? 1, doubt) : usual;

/** The present domain's study replaced; a sweep that has come to its end is a step, and shows whether what was taken up fits. */
const withStudy = (knowledge: Knowledge, study: Study, plan: Plan, lookup: Lookup): Knowledge => {
	if (study.tuning) return { ...knowledge, ...study };
	const { domain, counts } = knowledge;
	const after: Knowledge = {
		...knowledge,
		...study,
		usualDoubt: least(knowledge.usualDoubt, study),
		...unfinished,
		isUnproven: false,
		domain: { ...domain, steps: domain.steps + 1 },
		counts: { ...counts, steps: counts.steps + 1 },
	};
	const fits = !knowledge.isUnproven || study.alignment === knowledge.alignment;
	return fits ? after : lookedUpAgain(after, domain, plan, lookup);
};

/** What looks like a stored domain and is not, or several: another one that looks alike, or one that is not stored yet. */
const lookedUpAgain = (after: Knowledge, taken: CurrentDomain, plan: Plan, lookup: Lookup): Knowledge => {
	const { counts } = after;
	const number = counts.domainsNamed + 1;
	const isNot = [...(taken.isNot ?? []), taken.id];
	const domain: CurrentDomain = { ...unknownDomain(number, taken.since), steps: 1, isNot };
	const unknown = { ...after, domain, counts: { ...counts, domainsNamed: number } };
	const stem = stemOfStudy(after);
	if (!stem) return { ...unknown, domain: { ...domain, status: "new" } };
	return withTrial(lookedUp(unknown, plan.ready(stem), lookup), plan, lookup);
};

/** Whether a study's frames look like a domain in the bank, whose parameters it will be given: others than the source's. */
const isStored = (study: Study, knowledge: Knowledge, plan: Plan, nearness: number): boolean => {
	const stem = stemOfStudy(study);
	const nearest = stem && nearestOf(plan.ready(stem), storedKinds(knowledge), plan);
	return nearest !== undefined && nearest.away < nearness && !isZero(nearest.kind.alignment);
};
