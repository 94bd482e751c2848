import type { Image } from "../image.js";

/** One value per pixel, row by row. */
export type Plane = Float32Array;

/** The picture with each of its planes changed. */
export function mapPlanes(image: Image, change: (plane: Plane, channel: number) => Plane): Image {
	const { width, height, data } = image;
	const area = width * height;
	const changed = new Float32Array(data.length);
	for (let c = 0; c < 3; c++) changed.set(change(data.subarray(c * area, (c + 1) * area), c), c * area);
	return { width, height, data: changed };
}

/** The picture with each of its values changed; `pixel` counts from 0 in every plane. */
export function mapValues(image: Image, change: (value: number, pixel: number, channel: number) => number): Image {
	const { width, height, data } = image;
	const area = width * height;
	const changed = new Float32Array(data.length);
	for (let c = 0; c < 3; c++) {
		for (let i = 0; i < area; i++) changed[c * area + i] = change(data[c * area + i], i, c);
	}
	return { width, height, data: changed };
}

/** Cuts a picture's own values off at 0 and 1. */
export function clampInPlace(image: Image): Image {
	const { data } = image;
	for (let i = 0; i < data.length; i++) data[i] = Math.max(0, Math.min(1, data[i]));
	return image;
}

/** A weighted sum of the colours; the weights of red, green and blue are those of television unless told. */
export function grey(
	{ width, height, data }: Image,
	[r, g, b]: readonly [number, number, number] = [0.299, 0.587, 0.114],
): Plane {
	const area = width * height;
	const mixed = new Float32Array(area);
	for (let i = 0; i < area; i++) mixed[i] = r * data[i] + g * data[area + i] + b * data[2 * area + i];
	return mixed;
}

/** One value per pixel, from its column and row. */
export function plane(width: number, height: number, value: (x: number, y: number) => number): Plane {
	const filled = new Float32Array(width * height);
	for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++) filled[i++] = value(x, y);
	return filled;
}

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothstep(low: number, high: number, value: number): number {
	const t = Math.max(0, Math.min(1, (value - low) / (high - low)));
	return t * t * (3 - 2 * t);
}
