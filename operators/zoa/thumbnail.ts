import type { Vector } from "./vector.js";

/** Cells on a side. */
const CELLS = 4;

/** Distance from which on two pictures show something else, in light of any strength; those of a passing car are nearer. */
const FAR = 0.45;

/** Pixels on a side that are looked at, at most. */
const LOOKED_AT = 64;

/** What a picture of `channels` planes shows, in any light: grey in 4×4 cells, less their mean, at length 1 (all 0 if flat). */
export const thumbnail = (pixels: Uint8Array, width: number, height: number): Vector => {
	const cells = new Float32Array(CELLS * CELLS);
	const sizes = new Float32Array(CELLS * CELLS);
	const planes = pixels.length / (width * height);
	const step = Math.ceil(Math.max(width, height) / LOOKED_AT);
	for (let y = 0; y < height; y += step) {
		const row = CELLS * Math.floor((y * CELLS) / height);
		for (let x = 0; x < width; x += step) {
			const cell = row + Math.floor((x * CELLS) / width);
			sizes[cell] += planes;
			for (let plane = 0; plane < planes; plane++) cells[cell] += pixels[(plane * height + y) * width + x];
		}
	}
	const grey = cells.map((sum, i) => sum / Math.max(1, sizes[i]));
	const mean = grey.reduce((sum, v) => sum + v, 0) / grey.length;
	const length = Math.sqrt(grey.reduce((sum, v) => sum + (v - mean) ** 2, 0));
	return grey.map((v) => (length > 0 ? (v - mean) / length : 0));
};

/** Whether two thumbnails show the same again. */
export const showTheSame = (a: Vector, b: Vector): boolean => {
	let square = 0;
	for (let i = 0; i < a.length; i++) square += (a[i] - b[i]) ** 2;
	return square < FAR ** 2;
};
