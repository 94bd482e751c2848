import { map, type OperatorFunction } from "rxjs";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, Inferred } from "./types.js";
import { scoreOf } from "./zoa/detector.js";
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
	);
};

/** Compares the batch's stem with the domain so far (zoa.md, step 2). */
export const detect = (bundle: Bundle, { published, threshold }: Learning): OperatorFunction<Inferred, Detected> =>
	map((step) => {
		const stem = stemOf(bundle, step.activations, published);
		const score = scoreOf(step.knowledge.detector, stem);
		return { ...step, stem, score, changed: score !== undefined && score > threshold };
	});
