import { isSwept, stemOfRecord } from "./kinds.js";
import { unfinished, unknownDomain, unstudied } from "./knowledge.js";
import type { Learning } from "./settings.js";
import { KEPT } from "./study.js";
import type { DomainRecord, Knowledge } from "./types.js";
import { blankDetector } from "./zoa/detector.js";
import { emptyMemory } from "./zoa/memory.js";
import { learned, takenUp } from "./zoa/mix.js";
import { type Moments, shiftScore } from "./zoa/moments.js";
import { rememberedAsPublished } from "./zoa/published.js";
import { inserted, mostSimilarPair, removed, similarity } from "./zoa/remember.js";
import { isZero, type Span } from "./zoa/vector.js";

/** What is known of the present domain, as the bank keeps it. */
const recordOf = (
	{ domain, mix, alignment, detector, shift, gain }: Knowledge,
	now: number,
	madeAt = domain.since,
): DomainRecord => {
	const { mean, variance } = detector.reference as Moments;
	return {
		id: domain.id,
		name: domain.name,
		vector: learned(mix),
		alignment,
		stemMean: mean,
		stemVariance: variance,
		...(shift && { shift }),
		...(gain !== undefined && { gain }),
		madeAt,
		lastUsedAt: now,
		visits: domain.visits,
		steps: domain.steps,
	};
};

/** What is known after a change, and what the bank on disk has to do for it. */
interface Stored {
	readonly knowledge: Knowledge;
	readonly put: DomainRecord | undefined;
	readonly removed: readonly string[];
}

/** The bank's entries without one; θ does not move. */
export const without = (knowledge: Knowledge, index: number): Knowledge => ({
	...knowledge,
	mix: removed(knowledge.mix, index + 1),
	domains: knowledge.domains.filter((_, i) => i !== index),
});

/**
 * Of the two entries that resemble each other most, the less used; of equals the one that was used longer ago. Entries are
 * compared by what zeroth-order steps learned in them or, under `zoa+`, which takes none, by their stems.
 */
const leastWorth = ({ domains, mix }: Knowledge, { sweep }: Learning, spans: readonly Span[]): number => {
	const inVectors = (i: number, j: number) => similarity(mix.vectors[i + 1], mix.vectors[j + 1], spans);
	const inStems = (i: number, j: number) => -shiftScore(stemOfRecord(domains[i]), stemOfRecord(domains[j]));
	const [a, b] = mostSimilarPair(domains.length, sweep ? inStems : inVectors);
	const [one, other] = [domains[a], domains[b]];
	if (one.visits !== other.visits) return one.visits < other.visits ? a : b;
	return one.lastUsedAt <= other.lastUsedAt ? a : b;
};

/**
 * The old domain into the bank, a stored earlier visit of it replaced. One that was not looked up yet is not kept, and what was
 * stored stays where nobody has seen whether it fits.
 */
const stored = (knowledge: Knowledge, learning: Learning, spans: readonly Span[], now: number): Stored => {
	if (knowledge.domain.status === "looking" || knowledge.isUnproven) return { knowledge, put: undefined, removed: [] };
	const earlier = knowledge.domains.findIndex(({ id }) => id === knowledge.domain.id);
	const record = recordOf(knowledge, now, knowledge.domains[earlier]?.madeAt);
	const evicted: string[] = [];
	let kept = earlier < 0 ? knowledge : without(knowledge, earlier);
	while (kept.domains.length >= learning.bank) {
		const index = learning.bank > 1 ? leastWorth(kept, learning, spans) : 0;
		evicted.push(kept.domains[index].id);
		kept = without(kept, index);
	}
	return {
		knowledge: { ...kept, mix: inserted(kept.mix, spans), domains: [...kept.domains, record] },
		put: record,
		removed: evicted,
	};
};

/** The same by the published rule of eviction, which counts every change. */
const storedAsPublished = (knowledge: Knowledge, { bank }: Learning, spans: readonly Span[], now: number): Stored => {
	const record = recordOf(knowledge, now);
	const { mix, similarities, evicted } = rememberedAsPublished(knowledge.mix, knowledge.similarities, bank, spans);
	const domains = knowledge.domains.filter((_, i) => i + 1 !== evicted);
	return {
		knowledge: { ...knowledge, mix, similarities, domains: [...domains, record] },
		put: record,
		removed: evicted === undefined ? [] : [knowledge.domains[evicted - 1].id],
	};
};

/** The change itself: the old domain stored and an unknown one begun; θ stays where it is until something is learned. */
export const entered = (knowledge: Knowledge, learning: Learning, spans: readonly Span[], now: number): Stored => {
	const outcome = (learning.published ? storedAsPublished : stored)(knowledge, learning, spans, now);
	const number = knowledge.counts.domainsNamed + 1;
	const next: Knowledge = {
		...outcome.knowledge,
		domain: { ...unknownDomain(number, now), status: learning.published ? "new" : "looking" },
		detector: blankDetector,
		shift: undefined,
		memory: emptyMemory(knowledge.memory.seen.length),
		...unstudied(knowledge.memory.seen.length),
		isUnproven: false,
		aligning: "stem",
		...unfinished,
		counts: {
			...knowledge.counts,
			domainChanges: knowledge.counts.domainChanges + 1,
			domainsNamed: number,
		},
	};
	return { ...outcome, knowledge: next };
};

/**
 * What is stored of a domain taken up: its entry alone, its alignment and what that gains, its shift (design.md, "The one
 * idea"). The memory starts anew, since what it holds was measured with another θ; a sweep under way, which began from
 * another, is over.
 */
export const recalled = (knowledge: Knowledge, index: number): Knowledge => {
	const { alignment, shift, gain } = knowledge.domains[index];
	return {
		...knowledge,
		mix: takenUp(knowledge.mix, index + 1),
		alignment,
		aligning: "norms",
		memory: emptyMemory(knowledge.memory.seen.length),
		tuning: undefined,
		tuned: { ...knowledge.tuned, until: knowledge.tuned.frames, enough: KEPT },
		latest: [],
		astray: 0,
		gain,
		shift,
		...unfinished,
	};
};

/**
 * Whether a stored domain may be the present one: one that needs no alignment is not, where a sweep has found one. A sweep
 * that found none may just have had too few frames.
 */
const mayBe = ({ alignment }: DomainRecord, knowledge: Knowledge): boolean =>
	!isZero(alignment) || isZero(knowledge.alignment) || !isSwept(knowledge);

/** The present domain looked up by its stem; the nearest stored one, when it is near enough, is taken up. */
export const lookedUp = (
	knowledge: Knowledge,
	stem: Moments,
	{ nearness, sweep }: Pick<Learning, "nearness" | "sweep">,
): Knowledge => {
	const { domain, domains } = knowledge;
	const [nearest] = domains
		.map((record, index) => ({ record, index, distance: shiftScore(stem, stemOfRecord(record)) }))
		.filter(({ record }) => mayBe(record, knowledge) && !domain.isNot?.includes(record.id))
		.sort((a, b) => a.distance - b.distance);
	if (!nearest || !(nearest.distance < nearness))
		return { ...knowledge, domain: { ...domain, status: "new", distance: nearest?.distance } };
	const { id, name, visits, steps } = nearest.record;
	return {
		...recalled(knowledge, nearest.index),
		isUnproven: sweep !== undefined && !isZero(nearest.record.alignment),
		domain: { ...domain, id, name, visits: visits + 1, steps, status: "matched", distance: nearest.distance },
		counts: { ...knowledge.counts, domainsNamed: knowledge.counts.domainsNamed - 1 },
	};
};
