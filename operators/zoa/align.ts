import type { AffineSite } from "./mix.js";
import { channelsOf, floored, moments, type RawMoments, shiftScore } from "./moments.js";
import { type Vector, zeros } from "./vector.js";

/** Each site's moments, measured and wanted, from raw moments [2,S] that hold the sites' channels in order. */
const eachSite = (sites: readonly AffineSite[], measured: RawMoments, target: RawMoments) => {
	let column = 0;
	return sites.map((site) => {
		const wanted = moments(channelsOf(target, column, site.channels));
		const seen = floored(moments(channelsOf(measured, column, site.channels)), wanted);
		column += site.channels;
		return { ...site, seen, wanted };
	});
};

/** Indices of the sites whose measured moments are further from the target's than `gate`, a shift score. */
export const openSites = (
	sites: readonly AffineSite[],
	measured: RawMoments,
	target: RawMoments,
	gate: number,
): number[] =>
	eachSite(sites, measured, target).flatMap(({ seen, wanted }, i) => (shiftScore(seen, wanted) > gate ? [i] : []));

/**
 * Closed-form alignment a [P]: per channel of the sites `open`, the affine that gives what is measured the target's
 * mean and deviation. With m, s measured before the affine and mS, sS the target's: γ = γ0·sS/s, β = β0 + γ0·mS − γ·m
 * (zoa.md, "Closed-form alignment").
 */
export const aligned = (
	sites: readonly AffineSite[],
	source: Vector,
	measured: RawMoments,
	target: RawMoments,
	open: readonly number[],
): Vector => {
	const alignment = zeros(source.length);
	const each = eachSite(sites, measured, target);
	for (const { offset, channels, seen, wanted } of open.map((site) => each[site]))
		for (let c = 0; c < channels; c++) {
			const scale = source[offset + c];
			const gain = wanted.variance[c] > 0 ? Math.sqrt(wanted.variance[c] / seen.variance[c]) : 1;
			alignment[offset + c] = scale * (gain - 1);
			alignment[offset + channels + c] = scale * (wanted.mean[c] - gain * seen.mean[c]);
		}
	return alignment;
};
