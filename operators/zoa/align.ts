import type { AffineSite } from "./mix.js";
import { floored, type Moments, moments, type RawMoments, shiftScore } from "./moments.js";
import { type Vector, zeros } from "./vector.js";

/** Each site's moments, measured and wanted, from raw moments [2,S] that hold the sites' channels in order. */
const eachSite = (sites: readonly AffineSite[], measured: RawMoments, target: RawMoments) => {
	const wanted = moments(target);
	const seen = floored(moments(measured), wanted);
	let column = 0;
	return sites.map((site) => {
		const own = [column, column + site.channels] as const;
		column += site.channels;
		return { ...site, seen: part(seen, own), wanted: part(wanted, own) };
	});
};

/** Some channels, as views. */
const part = ({ mean, variance }: Moments, [from, to]: readonly [number, number]): Moments => ({
	mean: mean.subarray(from, to),
	variance: variance.subarray(from, to),
});

/** Shift score of each site between what is measured and the target, both raw moments [2,S]. */
export const shiftScores = (sites: readonly AffineSite[], measured: RawMoments, target: RawMoments): number[] =>
	eachSite(sites, measured, target).map(({ seen, wanted }) => shiftScore(seen, wanted));

/** Whether a site takes part in an alignment; `site` counts from 0, at the stem. */
export type Choice = (score: number, site: number) => boolean;

/** The sites that are out of line by more than `gate`, a shift score. */
export const beyond =
	(gate: number): Choice =>
	(score) =>
		score > gate;

/**
 * Closed-form alignment a [P]: per channel of every chosen site the affine that gives what is measured the target's mean
 * and deviation; 0 elsewhere. With m, s measured before the affine and mS, sS the target's: γ = γ0·sS/s,
 * β = β0 + γ0·mS − γ·m (zoa.md, "Closed-form alignment").
 */
export const aligned = (
	sites: readonly AffineSite[],
	source: Vector,
	measured: RawMoments,
	target: RawMoments,
	choice: Choice,
): Vector => {
	const alignment = zeros(source.length);
	for (const [site, { offset, channels, seen, wanted }] of eachSite(sites, measured, target).entries()) {
		if (!choice(shiftScore(seen, wanted), site)) continue;
		for (let c = 0; c < channels; c++) {
			const scale = source[offset + c];
			const gain = wanted.variance[c] > 0 ? Math.sqrt(wanted.variance[c] / seen.variance[c]) : 1;
			alignment[offset + c] = scale * (gain - 1);
			alignment[offset + channels + c] = scale * (wanted.mean[c] - gain * seen.mean[c]);
		}
	}
	return alignment;
};
