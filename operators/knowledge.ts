import { sourceTheta } from "./forward.js";
import { isSwept } from "./kinds.js";
import type { Bundle, CurrentDomain, DomainRecord, Knowledge, Study } from "./types.js";
import { blankDetector } from "./zoa/detector.js";
import { emptyMemory } from "./zoa/memory.js";
import { emptyMix, learned, type Mix, rebased } from "./zoa/mix.js";
import { emptySimilarities } from "./zoa/published.js";
import { isSmoothing, smoothingOf, whole } from "./zoa/smoothing.js";
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

/** What `zoa+` has of a domain that has just begun. */
export const unstudied = (classes: number) => ({
	pictures: emptyMemory(classes),
	look: undefined,
	tuned: { frames: 0, sweeps: 0, until: 0, enough: 1 },
	latest: [],
	astray: 0,
	tuning: undefined,
	doubt: undefined,
	isPlain: false,
	gain: undefined,
});

/** Frames that learning may pass through the model at once: so much of its share is saved. */
export const BURST = 2048;

const wholeRecord = (record: DomainRecord): DomainRecord => ({
	...record,
	vector: whole(record.vector),
	alignment: whole(record.alignment),
});

const numberOf = (id: string) => Number(id.slice(1)) || 0;

/**
 * Where a camera starts that has no checkpoint: at the source, with whatever domains the bank holds.
 * @param named domains that were named before: no id is given twice
 */
export const firstKnowledge = (
	bundle: Bundle,
	stored: readonly DomainRecord[],
	options: { seed: number; bank: number; published: boolean; now: number; named?: number },
): Knowledge => {
	const { seed, bank, published, now, named = 0 } = options;
	// The published matrix has room for so many; ours evicts down to the limit at the next change.
	const { manifest } = bundle;
	const theta = sourceTheta(bundle);
	const domains = (published ? stored.slice(-bank) : stored).map(wholeRecord);
	const number = Math.max(named, ...domains.map(({ id }) => numberOf(id))) + 1;
	const source = emptyMix(theta.length);
	return {
		domain: { ...unknownDomain(number, now), status: published ? "new" : "looking" },
		domains,
		mix: {
			...source,
			alpha: Float32Array.of(1, ...domains.map(() => 0)),
			vectors: [...source.vectors, ...domains.map(({ vector }) => vector)],
		},
		similarities: published ? emptySimilarities(bank) : zeros(0),
		alignment: zeros(theta.length),
		candidates: [],
		usualDoubt: undefined,
		aligning: "stem",
		memory: emptyMemory(manifest.labels.length),
		...unstudied(manifest.labels.length),
		detector: blankDetector,
		shift: undefined,
		...unfinished,
		random: seed,
		credit: BURST,
		unstored: 0,
		counts: { windows: 0, steps: 0, droppedSteps: 0, domainChanges: 0, domainsNamed: number },
	};
};

/** What a restart needs of a study: all but frames. */
type Noted = Pick<Study, "alignment" | "gain" | "look" | "tuned" | "astray">;

/** Of the candidates of which something was learned. */
const noted = (candidates: readonly Study[]): Noted[] =>
	candidates
		.filter(isSwept)
		.map(({ alignment, gain, look, tuned, astray }) => ({ alignment, gain, look, tuned, astray }));

const takenUpAgain = (candidates: readonly Noted[], classes: number): Study[] =>
	candidates.map((study) => ({ ...unstudied(classes), ...study }));

/** Candidates of which something was learned, without the frames that it was learned from. */
export const withoutFrames = (candidates: readonly Study[], classes: number): Study[] =>
	takenUpAgain(noted(candidates), classes);

/** What a checkpoint holds: the knowledge without the bank, which is stored entry by entry, and without frames. */
export interface Checkpoint
	extends Noted,
		Pick<
			Knowledge,
			| "domain"
			| "usualDoubt"
			| "isUnproven"
			| "similarities"
			| "aligning"
			| "detector"
			| "shift"
			| "random"
			| "counts"
			| "frozen"
			| "before"
		> {
	/** Those of which something is known. */
	readonly candidates: readonly Noted[];
	/** α of the source, and of each entry by its domain's id. */
	readonly sourceShare: number;
	readonly shares: Readonly<Record<string, number>>;
	/** Σ π_i·V_i + ε [P]. Not ε: that would mean another θ once the bank has changed. */
	readonly learned: Vector;
}

/** The part of the knowledge that a restart needs. */
export const checkpointOf = ({
	mix,
	domains,
	memory,
	pictures,
	latest,
	tuning,
	candidates,
	window,
	pass,
	credit,
	unstored,
	...knowledge
}: Knowledge): Checkpoint => ({
	...knowledge,
	candidates: noted(candidates),
	sourceShare: mix.alpha[0],
	shares: Object.fromEntries(domains.map(({ id }, i) => [id, mix.alpha[i + 1]])),
	learned: learned(mix),
});

/** α that leaves an entry next to no share. */
const NO_SHARE = -10;

/**
 * A camera's first knowledge with its checkpoint taken up again: the same θ, whatever the bank has gained or lost since.
 * Counts begin anew. Undefined when the checkpoint is not one of this model.
 */
export const resumed = (first: Knowledge, stored: unknown): Knowledge | undefined => {
	const checkpoint = stored as Partial<Checkpoint>;
	const parameters = first.alignment.length;
	const fitting = (vector: unknown, may: (smoothings: number) => boolean = isSmoothing) => {
		const found = vector instanceof Float32Array ? whole(vector) : undefined;
		return found?.length === parameters && allFinite(found) && may(smoothingOf(found)) ? found : undefined;
	};
	// Zeroth-order steps never move how often pictures are smoothed.
	const target = fitting(checkpoint?.learned, (times) => times === 0);
	const alignment = fitting(checkpoint?.alignment);
	if (!target || !alignment || !checkpoint.detector?.sights) return undefined;
	const { sourceShare, shares, learned: _, similarities, counts, ...kept } = checkpoint as Checkpoint;
	// An older checkpoint has none.
	const candidates = (kept.candidates ?? []).flatMap((study) => {
		const alignment = fitting(study.alignment);
		return alignment ? [{ ...study, alignment }] : [];
	});
	const alpha = Float32Array.of(sourceShare, ...first.domains.map(({ id }) => shares[id] ?? NO_SHARE));
	// What was taken up is tried on pictures, and these begin anew.
	const tuned = kept.isUnproven ? { ...kept.tuned, until: kept.tuned.frames } : kept.tuned;
	return {
		...first,
		...kept,
		tuned,
		alignment,
		candidates: takenUpAgain(candidates, first.memory.seen.length),
		similarities: similarities.length === first.similarities.length ? similarities : first.similarities,
		mix: rebased({ ...first.mix, alpha }, target),
		counts: { ...first.counts, domainsNamed: Math.max(first.counts.domainsNamed, counts.domainsNamed) },
	};
};
