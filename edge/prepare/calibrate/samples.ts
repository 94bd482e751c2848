import type { Normalization } from "../expose/image.js";
import { PLANES } from "../expose/image.js";
import type { Outputs, Session } from "../graph/session.js";
import type { Size } from "../open/open.js";

/** Frames that go through the model together. */
export const BATCH = 8;

/** Calibration frames, planes G, B, R, and the place of their class among the labels where it is known. */
export interface Sample {
	readonly pixels: Uint8Array;
	readonly label?: number;
}

/** A graph that takes bytes, in a session, with the affine it is run with; a closed one has none. */
export interface Prepared {
	readonly session: Session;
	readonly size: Size;
	readonly affine?: Float32Array;
}

/** Calibration pictures taken at most, and of these the ones that ranges of activations are taken from. */
export const MOST_PICTURES = 2000;
export const MOST_FOR_RANGES = 256;
/** The share of the pictures that no range is taken from, so that the report can be made on them. */
const HELD_BACK = 0.2;

/** Spreads what is held back over the folders, whatever their number: multiples of the golden ratio avoid every rhythm. */
export const isHeldBack = (index: number): boolean => (index * 0.6180339887498949) % 1 < HELD_BACK;

/** Runs the samples in batches; yields how many there were and what came out. */
export async function* batches(
	{ session, size, affine }: Prepared,
	samples: readonly Sample[],
): AsyncGenerator<[number, Outputs]> {
	for (let at = 0; at < samples.length; at += BATCH) {
		const batch = samples.slice(at, at + BATCH);
		const pixels = {
			data: together(batch.map((sample) => sample.pixels)),
			dims: [batch.length, 3, size.height, size.width],
		};
		const parameters = affine && { affine: { data: affine, dims: [affine.length] } };
		yield [batch.length, await session.run({ pixels, ...parameters })];
	}
}

/** Frames one after the other in one buffer. */
export function together<T extends Uint8Array | Float32Array>(frames: readonly T[]): T {
	const [first] = frames;
	const all = new (first.constructor as new (length: number) => T)(frames.length * first.length);
	for (const [i, frame] of frames.entries()) all.set(frame, i * first.length);
	return all;
}

/** The original model's input for one frame: planes R, G, B of (pixel / 255 − mean) / std, each step in float32. */
export function normalize(pixels: Uint8Array, { mean, std }: Normalization): Float32Array {
	const { fround } = Math;
	const area = pixels.length / 3;
	const image = new Float32Array(pixels.length);
	for (const [plane, channel] of PLANES.entries()) {
		for (let i = 0; i < area; i++) {
			const share = fround(pixels[plane * area + i] / 255);
			image[channel * area + i] = fround(share - fround(mean[channel])) / fround(std[channel]);
		}
	}
	return image;
}

/** One frame's share of an output. */
export function rowOf(outputs: Outputs, name: string, row: number, rows: number): Float32Array {
	const data = outputs[name].data as Float32Array;
	const width = data.length / rows;
	return data.slice(row * width, (row + 1) * width);
}

export const largest = (values: Float32Array) =>
	values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
