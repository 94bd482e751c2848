import { map, type OperatorFunction } from "rxjs";
import type { Plan } from "./anatomy.js";
import { followed } from "./drift.js";
import { AKIN, candidateKinds, isSwept, nearestOf } from "./kinds.js";
import { affineOf, unstudied } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import { withPicture } from "./study.js";
import type { Knowledge, Observed, Recalled, Strangers, Study } from "./types.js";
import { learned } from "./zoa/mix.js";
import { moments, pooled } from "./zoa/moments.js";
import type { RandomState } from "./zoa/random.js";
import { equalTo, isZero, minus, rows, type Vector, zeros } from "./zoa/vector.js";

/** Kinds of strange frames that are studied at a time. */
const CANDIDATES = 6;

/**
 * Offers each frame to what is kept of its kind: that of the present domain, or of a candidate for the next one, which goes on
 * to be known when the domain looks as before. The candidate that led to a change becomes the domain.
 */
export const gather = (plan: Plan, sweeping: Sweeping): OperatorFunction<Recalled, Recalled> =>
	map((step) => {
		const { verdict, frames, strangers } = step;
		const hasCandidates = sweeping.without !== "candidate" || verdict === "changed";
		const knowledge = hasCandidates ? withStrangers(step, plan, sweeping) : step.knowledge;
		if (verdict === "changed") {
			const [study, ...candidates] = knowledge.candidates;
			const alignment = begunWith(step, study, plan);
			return { ...step, knowledge: { ...knowledge, ...study, alignment, candidates } };
		}
		const own = [...frames.keys()].filter((place) => !strangers.some(({ places }) => places.includes(place)));
		const { study, random } = studied(knowledge, own, step, plan, sweeping);
		const after = sweeping.without === "drift" ? study : followed(study, observed(step, own, plan), plan);
		return { ...step, knowledge: { ...knowledge, ...after, random } };
	});

/**
 * The knowledge with the batch's strangers; what most of them are like is the latest candidate. Of those of which nothing is
 * known only the most begin one, or a batch of odds and ends would leave no room for what was learned.
 */
const withStrangers = (step: Recalled, plan: Plan, sweeping: Sweeping): Knowledge => {
	let { knowledge } = step;
	let present: Study[] = [];
	let absent = knowledge.candidates;
	const most = step.strangers.find(({ kind }) => !kind);
	for (const strangers of step.strangers) {
		const like = candidateLike(strangers, step, [...present, ...absent], plan);
		if (!like && !strangers.kind && strangers !== most) continue;
		const before = like ?? { ...unstudied(knowledge.memory.seen.length), alignment: zeros(plan.source.length) };
		const { study, random } = studied(before, strangers.places, { ...step, knowledge }, plan, sweeping);
		present = present.some((one) => one === like)
			? present.map((one) => (one === like ? study : one))
			: [...present, study];
		absent = absent.filter((one) => one !== like);
		knowledge = { ...knowledge, random };
	}
	return { ...knowledge, candidates: withinBounds(present, absent) };
};

/** No more candidates than there may be: of those that are not in view first those go of which nothing was learned. */
const withinBounds = (present: readonly Study[], absent: readonly Study[]): readonly Study[] => {
	const byWorth = [...absent.filter(isSwept), ...absent.filter((study) => !isSwept(study))];
	const kept = byWorth.slice(0, Math.max(0, CANDIDATES - present.length));
	return [...present, ...absent.filter((study) => kept.includes(study))].slice(0, CANDIDATES);
};

/**
 * The candidate whose kind strangers are of; else the one that they look most like of those of which nothing is known yet, or
 * which were found to need an alignment, or none, as the strangers' kind does.
 */
const candidateLike = (
	{ places, kind }: Strangers,
	{ stems }: Recalled,
	candidates: readonly Study[],
	plan: Plan,
): Study | undefined => {
	if (kind?.candidate && candidates.includes(kind.candidate)) return kind.candidate;
	const stem = plan.ready(moments(pooled(places.map((place) => stems[place]))));
	const mayBe = (study: Study) => !kind || !isSwept(study) || isZero(study.alignment) === isZero(kind.alignment);
	const nearest = nearestOf(stem, candidateKinds(candidates.filter(mayBe)), plan);
	return nearest && nearest.away < (kind ? AKIN : plan.otherwise) ? nearest.kind.candidate : undefined;
};

/** What another domain begins with: what was learned of the candidate or, until then, what its first batch was predicted with. */
const begunWith = (
	{ affines, strangers: [most], knowledge: { mix } }: Recalled,
	study: Study,
	{ source }: Plan,
): Vector => (isSwept(study) ? study.alignment : minus(minus(affines[most.places[0]], source), learned(mix)));

/** A study with the frames that have those places in the batch. */
const studied = (
	before: Study,
	places: readonly number[],
	{ activations, stems, thumbnails, frames, predictions, affines, knowledge }: Recalled,
	plan: Plan,
	{ without }: Sweeping,
): { study: Study; random: RandomState } => {
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	let study = before;
	let { random } = knowledge;
	const isSource = equalTo(plan.source);
	for (const i of places) {
		const { frame, probabilities } = predictions[i];
		const atSource = isSource(affines[i]) ? sites[i] : undefined;
		const seen = { frame, probabilities, atSource, stem: stems[i], thumbnail: thumbnails[i] };
		[study, random] = withPicture(study, seen, random, without !== "balance");
	}
	return { study, random };
};

/** Those of the round's own frames that were predicted with the alignment that their domain has. */
const observed = (
	{ activations, stems, thumbnails, frames, predictions, affines, knowledge }: Recalled,
	own: readonly number[],
	plan: Plan,
): Observed[] => {
	if (isZero(knowledge.alignment)) return [];
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	const isPresent = equalTo(affineOf(knowledge, plan.source));
	return own
		.filter((place) => isPresent(affines[place]))
		.map((place) => {
			const { frame, probabilities } = predictions[place];
			const at = knowledge.tuned.frames + place + 1;
			const about = { stem: stems[place], thumbnail: thumbnails[place], atSource: undefined };
			return { picture: { frame, probabilities, at, ...about }, sites: sites[place] };
		});
};
