import { map, type OperatorFunction } from "rxjs";
import type { Batched, Decoded, Frame } from "./types.js";

/** Frames' planes one after the other [n,3,H,W], in a buffer of their own that a forward pass may take away. */
export const packed = (frames: readonly Frame[]): Uint8Array<ArrayBuffer> => {
	const size = frames[0].pixels.length;
	const pixels = new Uint8Array(size * frames.length);
	for (const [i, frame] of frames.entries()) pixels.set(frame.pixels, i * size);
	return pixels;
};

/** Puts the frames of a round into one tensor. */
export const batch = (): OperatorFunction<Decoded, Batched> =>
	map((step) => ({ ...step, pixels: packed(step.frames) }));
