import type { Bundle, Counts, CurrentDomain, DomainRecord, Knowledge } from "./types.js";
import { blankDetector } from "./zoa/detector.js";
import { emptyMemory } from "./zoa/memory.js";
import { emptyMix, learned, type Mix } from "./zoa/mix.js";
import { emptySimilarities } from "./zoa/published.js";
import { allFinite, plus, type Vector, zeros } from "./zoa/vector.js";

/** θ = θ0 + a + Σ π_i·V_i + ε [P], for the given mix or the present one. */
export const affineOf = ({ alignment, mix }: Knowledge, source: Vector, other: Mix = mix): Vector =>
	plus(plus(source, alignment), learned(other));

/** A domain that nothing is known of yet. */
export const unknownDomain = (number: number, since: number): CurrentDomain => ({
	id: `d${number}`,
	name: `domain ${number}`,
	since,
	visits: 1,
	steps: 0,
	status: "looking",
	distance: undefined,
});

/** Forgets what belongs to one θ or one domain: the open window and the perturbed pass under way. */
export const unfinished = { window: [], pass: undefined } as const;

const numberOf = (id: string) => Number(id.slice(1)) || 0;

/** Where a camera starts that has no checkpoint: at the source, with whatever domains the bank holds. */
export const firstKnowledge = (
	{ manifest }: Bundle,
	domains: readonly DomainRecord[],
	{ seed, bank, published, now }: { seed: number; bank: number; published: boolean; now: number },
): Knowledge => {
	const number = Math.max(0, ...domains.map(({ id }) => numberOf(id))) + 1;
	const source = emptyMix(manifest.affine);
	return {
		domain: unknownDomain(number, now),
		domains,
		mix: {
			...source,
			alpha: Float32Array.of(1, ...domains.map(() => 0)),
			vectors: [...source.vectors, ...domains.map(({ vector }) => vector)],
		},
		similarities: published ? emptySimilarities(bank) : zeros(0),
		alignment: zeros(manifest.affine),
		aligning: "stem",
		memory: emptyMemory(manifest.labels.length),
		detector: blankDetector,
		shift: undefined,
		...unfinished,
		random: seed,
		counts: { windows: 0, steps: 0, droppedSteps: 0, domainChanges: 0, domainsNamed: number },
	};
};

/** What a checkpoint holds: the knowledge without the bank, which is stored entry by entry, and without frames. */
export interface Checkpoint
	extends Pick<Knowledge, "domain" | "alignment" | "aligning" | "detector" | "shift" | "random"> {
	/** α of the source, and of each entry by its domain's id. */
	readonly sourceShare: number;
	readonly shares: Readonly<Record<string, number>>;
	readonly epsilon: Vector;
	readonly counts: Counts;
}

/** The part of the knowledge that a restart needs. */
export const checkpointOf = ({ mix, domains, ...knowledge }: Knowledge): Checkpoint => ({
	domain: knowledge.domain,
	alignment: knowledge.alignment,
	aligning: knowledge.aligning,
	detector: knowledge.detector,
	shift: knowledge.shift,
	random: knowledge.random,
	counts: knowledge.counts,
	sourceShare: mix.alpha[0],
	shares: Object.fromEntries(domains.map(({ id }, i) => [id, mix.alpha[i + 1]])),
	epsilon: mix.epsilon,
});

/**
 * A camera's first knowledge with its checkpoint taken up again; counts begin anew. An entry that was stored after
 * the checkpoint gets no share of the mix; one that was removed leaves the others theirs.
 */
export const resumed = (first: Knowledge, checkpoint: Checkpoint): Knowledge => {
	const { epsilon, alignment } = checkpoint;
	const usable = epsilon.length === first.alignment.length && allFinite(epsilon) && allFinite(alignment);
	if (!usable) return first;
	return {
		...first,
		domain: checkpoint.domain,
		alignment,
		aligning: checkpoint.aligning,
		detector: checkpoint.detector,
		shift: checkpoint.shift,
		random: checkpoint.random,
		mix: {
			...first.mix,
			epsilon,
			alpha: Float32Array.of(
				checkpoint.sourceShare,
				...first.domains.map(({ id }) => checkpoint.shares[id] ?? Math.min(checkpoint.sourceShare, -10)),
			),
		},
		counts: {
			...first.counts,
			domainsNamed: Math.max(first.counts.domainsNamed, checkpoint.counts.domainsNamed),
		},
	};
};
