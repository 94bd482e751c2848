import { map, type OperatorFunction } from "rxjs";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, Inferred } from "./types.js";
import { judged, judgedAsPublished, VARIANCE_FLOOR } from "./zoa/detector.js";
import { channelsOf, floored, type Moments, moments, pooled, type RawMoments } from "./zoa/moments.js";
import { rows } from "./zoa/vector.js";

/** Each frame's stem [2,E]: the first convolution's output before its affine, which nothing that is learned can move. */
export const stemRows = ({ manifest, source }: Bundle, { sites }: Pick<Activations, "sites">): RawMoments[] =>
	rows(sites, source.sites.length).map((row) => channelsOf(row, 0, manifest.sites[0].channels));

/** The stem of some frames together. */
export const stemTogether = ({ manifest, source }: Bundle, frames: readonly RawMoments[]): Moments => {
	const { channels, positions } = manifest.sites[0];
	return floored(
		moments(pooled(frames), frames.length * positions),
		moments(channelsOf(source.sites, 0, channels)),
		VARIANCE_FLOOR,
	);
};

/** A batch's stem. As published: the tokens after position embedding, which an aligned stem would move. */
export const stemOf = (bundle: Bundle, activations: Activations, published: boolean): Moments => {
	if (!published) return stemTogether(bundle, stemRows(bundle, activations));
	const { channels, positions } = bundle.manifest.stem;
	return moments(pooled(rows(activations.stem, 2 * channels)), activations.frames * positions);
};

/** Compares the batch's stem with the domain so far (zoa.md, step 2). */
export const detect = (bundle: Bundle, learning: Learning): OperatorFunction<Inferred, Detected> => {
	const { published, threshold, window } = learning;
	return map((step) => {
		const stem = stemOf(bundle, step.activations, published);
		const { detector } = step.knowledge;
		const frames = step.frames.length;
		const judgement = published
			? judgedAsPublished(detector, stem, frames, { threshold, window })
			: judged(detector, stem, frames, threshold);
		return { ...step, ...judgement };
	});
};
