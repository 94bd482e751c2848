/** For tests: frames as methods get them, models that are made to be in need of one, and a look at what they answer. */

import { openBundle } from "../../../adapters/bundle.js";
import { openModel } from "../../../adapters/model.js";
import { memoryFrames, memoryModel } from "../../../adapters/model.memory.js";
import type { Activations, Bundle, Frame, Model } from "../../../operators/types.js";
import { argmax, plus, product, rows, type Vector } from "../../../operators/zoa/vector.js";
import { type BundledModel, bundled } from "../../paths.js";
import { type Answer, type Method, WINDOW } from "../method.js";

const framesOf = (pixels: Uint8Array, { manifest }: Bundle): Frame[] => {
	const size = 3 * manifest.input.width * manifest.input.height;
	return Array.from({ length: pixels.length / size }, (_, index) => ({
		index,
		capturedAt: 0,
		pixels: pixels.subarray(index * size, (index + 1) * size),
	}));
};

/** Frames of the kind the model in memory was calibrated on; frame i shows label i mod 3. */
export const sourceFrames = (count: number, seed = 1): Frame[] =>
	framesOf(memoryFrames(count, seed), memoryModel().bundle);

/** Drawn pictures of a bundled model's size that differ from each other and from place to place. */
export function patterns({ bundle }: Model, count: number, seed = 0): Frame[] {
	const size = 3 * bundle.manifest.input.width * bundle.manifest.input.height;
	const width = bundle.manifest.input.width;
	const pixels = Uint8Array.from({ length: count * size }, (_, i) => {
		const frame = Math.floor(i / size) + 31 * seed;
		const [x, y] = [i % width, Math.floor((i % size) / width)];
		return (
			115 +
			50 * Math.sin(frame + x * (0.05 + 0.02 * (frame % 7))) +
			40 * Math.sin(2 * frame + y * 0.11 * (1 + (frame % 3)))
		);
	});
	return framesOf(pixels, bundle);
}

/** The same pictures with every value changed. */
export const changed = (frames: readonly Frame[], change: (value: number) => number): Frame[] =>
	frames.map((frame) => ({ ...frame, pixels: frame.pixels.map((value) => Math.round(change(value))) }));

export const openBundled = async (name: BundledModel): Promise<Model> =>
	openModel(await openBundle(bundled.models[name]), { threads: 1 });

/** A model whose classifier's inputs, and with them its logits, have all moved by one vector. */
export function displaced(model: Model, by: Vector): Model {
	const { source, manifest } = model.bundle;
	const moved = (matrix: Vector, width: number, offset: Vector) =>
		Float32Array.from(rows(matrix, width).flatMap((row) => [...plus(row, offset)]));
	return {
		...model,
		forward: async (pixels, affine) => {
			const found = await model.forward(pixels, affine);
			return {
				...found,
				features: moved(found.features, manifest.features, by),
				logits: moved(found.logits, manifest.labels.length, product(source.head, by)),
			};
		},
	};
}

/**
 * A model that gives made-up features, two numbers a frame read from its first two pixels, with a head of three
 * directions.
 */
export function invented(head: Vector, features: (frame: number) => readonly [number, number]): Model {
	const { bundle, look } = memoryModel();
	const own: Bundle = {
		...bundle,
		manifest: { ...bundle.manifest, features: 2 },
		source: { ...bundle.source, head, features: new Float32Array(2) },
	};
	const size = 3 * own.manifest.input.width * own.manifest.input.height;
	const forward = async (pixels: Uint8Array): Promise<Activations> => {
		const frames = pixels.length / size;
		const indices = Array.from({ length: frames }, (_, i) => pixels[i * size]);
		const seen = Float32Array.from(indices.flatMap(features));
		const logits = Float32Array.from(rows(seen, 2).flatMap((row) => [...product(head, row)]));
		const none = new Float32Array(0);
		return { frames, logits, features: seen, taps: none, stem: none, sites: none };
	};
	return { bundle: own, forward, look, close: async () => {} };
}

/** Frames that an invented model knows by their number. */
export const numbered = (count: number): Frame[] =>
	Array.from({ length: count }, (_, index) => ({
		index,
		capturedAt: 0,
		pixels: new Uint8Array(3 * 8 * 8).fill(index),
	}));

/** What a method answers to batches, and what it is called in. */
export async function answersOf(
	method: Method,
	model: Model,
	batches: readonly (readonly Frame[])[],
	seed = 1,
): Promise<Answer[]> {
	const adapting = await method.open(model, { seed, window: WINDOW });
	try {
		const answers: Answer[] = [];
		for (const frames of batches) answers.push(await adapting.step(frames));
		return answers;
	} finally {
		await adapting.close();
	}
}

export const labelsOf = (answers: readonly Answer[]): number[] =>
	answers.flatMap(({ probabilities }) => probabilities.map(argmax));

/** Share of equal entries. */
export const agreement = (a: readonly number[], b: readonly number[]): number =>
	a.filter((value, i) => value === b[i]).length / a.length;
