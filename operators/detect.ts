import { concatMap, type OperatorFunction } from "rxjs";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Detected, Inferred, Manifest, Model } from "./types.js";
import { judged, judgedAsPublished } from "./zoa/detector.js";
import type { Yardstick } from "./zoa/exposure.js";
import { channelsOf, type Moments, moments, pooled, type RawMoments } from "./zoa/moments.js";
import { rows } from "./zoa/vector.js";

/** Each frame's stem [2,E]: the first convolution's output before its affine. */
export const stemRows = ({ manifest, source }: Bundle, { sites }: Pick<Activations, "sites">): RawMoments[] =>
	rows(sites, source.sites.length).map((row) => channelsOf(row, 0, manifest.sites[0].channels));

/** The stem of some frames together. */
export const stemTogether = ({ manifest }: Bundle, frames: readonly RawMoments[]): Moments =>
	moments(pooled(frames), frames.length * manifest.sites[0].positions);

/** Channels E of the stem that domains are told apart by. */
export const stemChannels = ({ stem, sites }: Manifest, published: boolean): number =>
	published ? stem.channels : sites[0].channels;

/** A batch's stem as published: the tokens after position embedding, which an aligned stem would move. */
export const publishedStem = ({ manifest }: Bundle, { stem, frames }: Activations): Moments => {
	const { channels, positions } = manifest.stem;
	return moments(pooled(rows(stem, 2 * channels)), frames * positions);
};

/** The source's stem [E], as domains are compared by it. */
export const sourceStem = ({ manifest, source }: Bundle): Moments =>
	moments(channelsOf(source.sites, 0, manifest.sites[0].channels));

/** What stems of this model are compared by: one pass of a black picture says how its stem takes light. */
export const yardstickOf = async ({ bundle, forward }: Pick<Model, "bundle" | "forward">): Promise<Yardstick> => {
	const { input } = bundle.manifest;
	const activations = await forward(new Uint8Array(3 * input.width * input.height), bundle.source.affine);
	return {
		black: stemTogether(bundle, stemRows(bundle, activations)).mean,
		source: sourceStem(bundle),
	};
};

/** Compares the batch's stem with the domain so far. */
export const detect = (model: Model, learning: Learning): OperatorFunction<Inferred, Detected> => {
	const { bundle } = model;
	let yardstick: Promise<Yardstick> | undefined;
	return concatMap(async (step) => {
		const { activations, frames, knowledge, stems } = step;
		const { detector } = knowledge;
		if (learning.published) {
			const stem = publishedStem(bundle, activations);
			return { ...step, ...judgedAsPublished(detector, stem, frames.length, learning) };
		}
		yardstick ??= yardstickOf(model);
		const stem = stemTogether(bundle, stems);
		return { ...step, ...judged(detector, stem, frames.length, await yardstick, learning.falseAlarms) };
	});
};
