import { basename } from "node:path";
import { openCamera } from "../../../adapters/camera.js";
import { videoFile } from "../../../adapters/sources/source.js";
import { packed } from "../../../operators/batch.js";
import { stemRows } from "../../../operators/detect.js";
import { type Bundle, EdgeError, type Model } from "../../../operators/types.js";
import type { RawMoments } from "../../../operators/zoa/moments.js";
import { corruptionOf } from "../corruptions/corruptions.js";
import type { Severity } from "../image.js";
import { toImage, toPixels } from "../pictures.js";
import { randomOf } from "../random.js";
import { type Looks, seen, VIEWS, type View } from "./looks.js";

export const SEVERITIES: readonly Severity[] = [1, 2, 3, 4, 5];

/** What the model's stem gives for one view of a clip, computed once and played in any order. */
export interface Reel {
	/** Of the clip and the view. */
	readonly name: string;
	/** By frame and look. */
	readonly clean: readonly (readonly RawMoments[])[];
	/** By corruption, severity from 1 and frame, of some of the clip's frames. */
	readonly corrupted: ReadonlyMap<string, readonly (readonly RawMoments[])[]>;
}

/** Clips are decoded larger than the model's input, so that small regions have something to show. */
const ENLARGED = 4;

/** Of a clip so many runs of frames are seen through each corruption, spread over the clip: what is in view is as ever. */
const RUNS = 6;
const RUN = 8;

/** A long clip is not kept whole. */
const LONGEST = 512;

const BATCH = 32;

/** Plays a clip once and passes each view of it through the model in every look and corruption. */
export async function* reels(
	file: string,
	model: Model,
	looks: Looks,
	corruptions: readonly string[],
	seed: number,
): AsyncGenerator<Reel> {
	const pictures = await decoded(file, model.bundle);
	for (const view of VIEWS) yield await reel(basename(file), pictures, view, model, looks, corruptions, seed);
}

async function decoded(file: string, { manifest }: Bundle): Promise<readonly Uint8Array[]> {
	const { width, height } = enlarged(manifest.input);
	const camera = await openCamera({ source: videoFile(file), width, height, fit: "stretch" });
	const pictures: Uint8Array[] = [];
	try {
		while (pictures.length < LONGEST) {
			const taken = await camera.take(LONGEST - pictures.length, 0);
			if (taken.length === 0) break;
			pictures.push(...taken.map(({ pixels }) => pixels));
		}
	} finally {
		await camera.close();
	}
	if (pictures.length < RUN) {
		throw new EdgeError("camera", `${file}: expected ${RUN} frames at least, found ${pictures.length}`);
	}
	return pictures;
}

const enlarged = ({ width, height }: { readonly width: number; readonly height: number }) => ({
	width: ENLARGED * width,
	height: ENLARGED * height,
});

const spread = <T>(frames: readonly T[]): T[] =>
	Array.from({ length: RUNS }, (_, run) => {
		const from = Math.round((run * (frames.length - RUN)) / (RUNS - 1));
		return frames.slice(from, from + RUN);
	}).flat();

async function reel(
	clip: string,
	pictures: readonly Uint8Array[],
	view: View,
	model: Model,
	{ all, still }: Looks,
	corruptions: readonly string[],
	seed: number,
): Promise<Reel> {
	const { input } = model.bundle.manifest;
	const look = (picture: Uint8Array, how: number) => seen(picture, enlarged(input), view, all[how], input);
	const clean: RawMoments[][] = [];
	for (const picture of pictures)
		clean.push(
			await stemsOf(
				all.map((_, how) => look(picture, how)),
				model,
			),
		);
	const corrupted = new Map<string, RawMoments[][]>();
	const images = spread(pictures).map((picture) => toImage(look(picture, still), input.width, input.height));
	for (const name of corruptions) {
		const corruption = corruptionOf(name);
		const bySeverity: RawMoments[][] = [];
		for (const severity of SEVERITIES) {
			const changed =
				corruption.kind === "clip"
					? await corruption.apply(images, severity)
					: images.map((image, i) => corruption.apply(image, severity, randomOf(seed, i, severity)));
			bySeverity.push(await stemsOf(changed.map(toPixels), model));
		}
		corrupted.set(name, bySeverity);
	}
	return { name: `${clip}, ${view.name}`, clean, corrupted };
}

/** The stem's raw moments of each picture. */
export async function stemsOf(pictures: readonly Uint8Array[], model: Model): Promise<RawMoments[]> {
	const stems: RawMoments[] = [];
	for (let at = 0; at < pictures.length; at += BATCH) {
		const frames = pictures.slice(at, at + BATCH).map((pixels, index) => ({ index, capturedAt: 0, pixels }));
		stems.push(...stemRows(model.bundle, await model.forward(packed(frames), model.bundle.source.affine)));
	}
	return stems;
}
