import { map, type OperatorFunction } from "rxjs";
import type { Plan } from "./anatomy.js";
import { followed } from "./drift.js";
import { isSwept, stemOfStudy } from "./kinds.js";
import { unstudied } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import { withPicture } from "./study.js";
import type { Knowledge, Observed, Recalled, Study } from "./types.js";
import { learned } from "./zoa/mix.js";
import { type Moments, moments, pooled, shiftScore } from "./zoa/moments.js";
import type { RandomState } from "./zoa/random.js";
import { equal, isZero, minus, plus, rows, type Vector, zeros } from "./zoa/vector.js";

/** Kinds of strange frames that are studied at a time; the one that was not seen for the longest time makes room. */
const CANDIDATES = 4;

/** Shift score from which on what is strange is strange in another way. */
const OTHERWISE = 1.2;

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
		const own = [...frames.keys()].filter((place) => !strangers.some((places) => places.includes(place)));
		const after = studied(knowledge, own, step, knowledge.random, plan, sweeping);
		const study = sweeping.without === "drift" ? after.study : followed(after.study, observed(step, plan), plan);
		return { ...step, knowledge: { ...knowledge, ...study, random: after.random } };
	});

/** The knowledge with the batch's strangers; what most of them look like is the latest candidate. */
const withStrangers = (step: Recalled, plan: Plan, sweeping: Sweeping): Knowledge => {
	const { stems, strangers, knowledge } = step;
	let { candidates, random } = knowledge;
	const like = (places: readonly number[]): Study | undefined => {
		const stem = plan.ready(moments(pooled(places.map((place) => stems[place]))));
		return candidateLike(candidates, (look) => shiftScore(stem, plan.ready(look)));
	};
	const latest = (study: Study, before = study) => [study, ...candidates.filter((candidate) => candidate !== before)];
	for (const places of strangers) {
		const before = like(places);
		const nothing = { ...unstudied(knowledge.memory.seen.length), alignment: zeros(plan.source.length) };
		const after = studied(before ?? nothing, places, step, random, plan, sweeping);
		candidates = latest(after.study, before).slice(0, CANDIDATES);
		random = after.random;
	}
	const most = strangers.length > 1 ? like(strangers[0]) : undefined;
	return { ...knowledge, candidates: most ? latest(most) : candidates, random };
};

/** The candidate that is least away, if it is near enough. */
const candidateLike = (candidates: readonly Study[], away: (look: Moments) => number): Study | undefined =>
	candidates
		.map((candidate) => {
			const look = stemOfStudy(candidate);
			return { candidate, away: look ? away(look) : Number.POSITIVE_INFINITY };
		})
		.filter(({ away }) => away < OTHERWISE)
		.sort((a, b) => a.away - b.away)[0]?.candidate;

/** What another domain begins with: what was learned of the candidate or, until then, what its first batch was predicted with. */
const begunWith = (
	{ affines, strangers: [[first]], knowledge: { mix } }: Recalled,
	study: Study,
	{ source }: Plan,
): Vector => (isSwept(study) ? study.alignment : minus(minus(affines[first], source), learned(mix)));

/** A study with the frames that have those places in the batch. */
const studied = (
	before: Study,
	places: readonly number[],
	{ activations, stems, thumbnails, frames, predictions, affines }: Recalled,
	start: RandomState,
	plan: Plan,
	{ without }: Sweeping,
): { study: Study; random: RandomState } => {
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	let study = before;
	let random = start;
	for (const i of places) {
		const frame = frames[i];
		const prediction = predictions.find((one) => one.frame === frame);
		if (!prediction) continue;
		const { probabilities } = prediction;
		const atSource = equal(affines[i], plan.source) ? sites[i] : undefined;
		const seen = { frame, probabilities, atSource, stem: stems[i], thumbnail: thumbnails[i] };
		[study, random] = withPicture(study, seen, random, without !== "balance");
	}
	return { study, random };
};

/** The round's frames that were predicted with the alignment that their domain has. */
const observed = ({ affines, knowledge, ...step }: Recalled, { source }: Plan): Observed[] => {
	if (isZero(knowledge.alignment)) return [];
	const { activations, stems, thumbnails, frames, predictions } = step;
	const sites = rows(activations.sites, activations.sites.length / frames.length);
	const all = predictions.map(({ frame, probabilities }, i) => {
		const at = knowledge.tuned.frames + i + 1;
		return {
			picture: { frame, probabilities, at, stem: stems[i], thumbnail: thumbnails[i], atSource: undefined },
			sites: sites[i],
		};
	});
	const own = plus(source, knowledge.alignment);
	return all.filter((_, i) => equal(affines[i], own));
};
