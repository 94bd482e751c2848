import { PLANES } from "../prepare/expose/image.js";
import type { Image } from "./image.js";

/** Bytes in planes G, B, R as a picture in planes R, G, B of 0 to 1. */
export function toImage(pixels: Uint8Array, width: number, height: number): Image {
	const area = width * height;
	const data = new Float32Array(pixels.length);
	for (const [plane, channel] of PLANES.entries()) {
		for (let i = 0; i < area; i++) data[channel * area + i] = pixels[plane * area + i] / 255;
	}
	return { width, height, data };
}

/** The way back, values outside 0 to 1 cut off. */
export function toPixels({ width, height, data }: Image): Uint8Array<ArrayBuffer> {
	const area = width * height;
	const pixels = new Uint8Array(data.length);
	for (const [plane, channel] of PLANES.entries()) {
		for (let i = 0; i < area; i++) {
			pixels[plane * area + i] = Math.round(255 * Math.max(0, Math.min(1, data[channel * area + i])));
		}
	}
	return pixels;
}
