import { map, type OperatorFunction } from "rxjs";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, Inferred } from "./types.js";
import { PERSISTENCE, scoreOf, VARIANCE_FLOOR } from "./zoa/detector.js";
import { channelsOf, floored, type Moments, moments, pooled } from "./zoa/moments.js";
import { rows } from "./zoa/vector.js";

/**
 * A batch's stem. As published: the tokens after position embedding, which an aligned stem would move. Ours: the first
 * convolution's output before its affine, which nothing that is learned can move.
 */
export const stemOf = ({ manifest, source }: Bundle, activations: Activations, published: boolean): Moments => {
	if (published) {
		const { channels, positions } = manifest.stem;
		return moments(pooled(rows(activations.stem, 2 * channels)), activations.frames * positions);
	}
	const { channels, positions } = manifest.sites[0];
	const all = pooled(rows(activations.sites, source.sites.length));
	return floored(
		moments(channelsOf(all, 0, channels), activations.frames * positions),
		moments(channelsOf(source.sites, 0, channels)),
		VARIANCE_FLOOR,
	);
};

/** Compares the batch's stem with the domain so far (zoa.md, step 2). */
export const detect = (bundle: Bundle, learning: Learning): OperatorFunction<Inferred, Detected> => {
	const { published, threshold, window } = learning;
	return map((step) => {
		const stem = stemOf(bundle, step.activations, published);
		const { detector } = step.knowledge;
		const score = scoreOf(detector, stem);
		const frames = step.frames.length;
		// The published detector passes over a batch that is not full, as the last one of a clip.
		if (score === undefined || !(score > threshold) || (published && frames < window))
			return { ...step, stem, score, verdict: "same" };
		return { ...step, stem, score, verdict: published || detector.odd + frames >= PERSISTENCE ? "changed" : "odd" };
	});
};
