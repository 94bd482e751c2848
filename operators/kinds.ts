import type { Plan } from "./anatomy.js";
import type { DomainRecord, Kind, Knowledge, Study } from "./types.js";
import { type Moments, moments, shiftScore } from "./zoa/moments.js";
import { zeros } from "./zoa/vector.js";

/** The stem that a study's frames have on average; undefined while it has none. */
export const stemOfStudy = ({ look }: Study): Moments | undefined => look && moments(look);

/** Whether a sweep over a study's frames has come to an end; of frames of several conditions there is none. */
export const isSwept = ({ tuned }: Study): boolean => tuned.sweeps > 0;

/** The stem that a stored domain is found again by. */
export const stemOfRecord = ({ stemMean, stemVariance }: DomainRecord): Moments => ({
	mean: stemMean,
	variance: stemVariance,
});

/** Of the bank; what it holds of the present domain is older than what is known. */
export const storedKinds = ({ domains, domain }: Knowledge): Kind[] =>
	domains
		.filter(({ id }) => id !== domain.id && !domain.isNot?.includes(id))
		.map((record) => ({ stem: stemOfRecord(record), alignment: record.alignment }));

/** What candidates look like; of those that have no frames nothing is known. */
export const candidateKinds = (candidates: readonly Study[]): Kind[] =>
	candidates.flatMap((candidate) => {
		const stem = stemOfStudy(candidate);
		return stem ? [{ stem, alignment: candidate.alignment, candidate }] : [];
	});

/** All that something is known of: the source, the present domain, the stored ones, the candidates for the next. */
export const kindsOf = (knowledge: Knowledge, plan: Plan): Kind[] => {
	const { alignment, detector } = knowledge;
	const source = { stem: plan.stem, alignment: zeros(alignment.length) };
	const present = detector.reference && { stem: detector.reference, alignment, isPresent: true };
	const candidates = candidateKinds(knowledge.candidates.filter(isSwept));
	return [source, ...(present ? [present] : []), ...storedKinds(knowledge), ...candidates];
};

/** Shift score up to which frames look like those of a kind that is known. */
export const AKIN = 0.6;

/** The kind that a stem, made ready for comparison, is nearest to, and its shift score to that. */
export const nearestOf = (
	stem: Moments,
	among: readonly Kind[],
	plan: Plan,
): { readonly kind: Kind; readonly away: number } | undefined =>
	among.map((kind) => ({ kind, away: shiftScore(stem, plan.ready(kind.stem)) })).sort((a, b) => a.away - b.away)[0];

/** Whether a stem, made ready for comparison, is unlike the source's. */
export const isForeign = (stem: Moments, { stem: source, otherwise }: Plan): boolean =>
	shiftScore(stem, source) >= otherwise;
