import type { Vector } from "./vector.js";

/** Cells on a side. */
const CELLS = 4;

/** Distance from which on two pictures show something else, in light of any strength; those of a passing car are nearer. */
const FAR = 0.45;

/** Pixels on a side that are looked at, at most. */
const LOOKED_AT = 64;

/** What a picture in three planes shows, in any light: grey in 4×4 cells, less their mean, at length 1 (all 0 if flat). */
export const thumbnail = (pixels: Uint8Array, width: number, height: number): Vector => {
	const step = Math.ceil(Math.max(width, height) / LOOKED_AT);
	const plane = width * height;
	const sums: number[] = new Array(CELLS * CELLS).fill(0);
	const sizes: number[] = new Array(CELLS * CELLS).fill(0);
	for (let y = 0; y < height; y += step) {
		const row = CELLS * Math.floor((y * CELLS) / height);
		let x = 0;
		// A cell's pixels of the row, of all planes, in a loop of their own: every frame goes through this.
		for (let column = 0; column < CELLS; column++) {
			const end = ((column + 1) * width) / CELLS;
			let sum = 0;
			let size = 0;
			for (; x < end; x += step) {
				const at = y * width + x;
				sum += pixels[at] + pixels[plane + at] + pixels[2 * plane + at];
				size += 3;
			}
			sums[row + column] += sum;
			sizes[row + column] += size;
		}
	}
	const grey = Float32Array.from(sums, (sum, i) => sum / Math.max(1, sizes[i]));
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
