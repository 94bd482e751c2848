import type { Image } from "../image.js";
import { type Plane, plane } from "./planes.js";
import { resample } from "./sample.js";
import { perFrame } from "./severity.js";

/** Quantization of luminance and of colour difference at quality 50, by rows of growing vertical frequency (ITU-T T.81, Annex K). */
const LUMINANCE = [
	16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
	87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
	72, 92, 95, 98, 112, 100, 103, 99,
] as const;
const COLOUR = [
	17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99,
] as const;

/**
 * What is lost in a JPEG file of a quality, as libjpeg writes it (4:2:0): its colours are halved in size and everything is
 * quantized. The rest of the format loses nothing and is left out.
 */
export const jpeg = perFrame("jpeg", [25, 18, 15, 10, 7], (image, quality) => {
	const { width, height, data } = image;
	const area = width * height;
	const [w, h] = [16 * Math.ceil(width / 16), 16 * Math.ceil(height / 16)];
	const at = (x: number, y: number) => Math.min(y, height - 1) * width + Math.min(x, width - 1);
	const mixed = ([r, g, b]: readonly number[], middle: number) =>
		plane(w, h, (x, y) => {
			const i = at(x, y);
			return 255 * (r * data[i] + g * data[area + i] + b * data[2 * area + i]) - middle;
		});
	const luma = quantized(mixed([0.299, 0.587, 0.114], 128), w, quantization(LUMINANCE, quality));
	const [blue, red] = [
		[-0.168736, -0.331264, 0.5],
		[0.5, -0.418688, -0.081312],
	].map((weights) => {
		const halved = quantized(halve(mixed(weights, 0), w), w / 2, quantization(COLOUR, quality));
		return resample(halved, [w / 2, h / 2], [w, h], 0.5, [-0.25, -0.25]);
	});
	return decoded(image, w, luma, blue, red);
});

function decoded({ width, height }: Image, w: number, luma: Plane, blue: Plane, red: Plane): Image {
	const area = width * height;
	const data = new Float32Array(3 * area);
	for (let y = 0, i = 0; y < height; y++) {
		for (let x = 0; x < width; x++, i++) {
			const [l, b, r] = [luma[y * w + x] + 128, blue[y * w + x], red[y * w + x]];
			data[i] = (l + 1.402 * r) / 255;
			data[area + i] = (l - 0.344136 * b - 0.714136 * r) / 255;
			data[2 * area + i] = (l + 1.772 * b) / 255;
		}
	}
	return { width, height, data };
}

/** The table at a quality from 1 to 100, as libjpeg scales it. */
function quantization(table: readonly number[], quality: number): number[] {
	const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
	return table.map((step) => Math.max(1, Math.min(255, Math.floor((step * percent + 50) / 100))));
}

/** Means of 2 × 2 pixels. */
const halve = (full: Plane, width: number): Plane =>
	plane(width / 2, full.length / width / 2, (x, y) => {
		const i = 2 * y * width + 2 * x;
		return (full[i] + full[i + 1] + full[i + width] + full[i + width + 1]) / 4;
	});

/** COSINES[8 f + x]: the orthonormal cosine of frequency f at pixel x. */
const COSINES = Float32Array.from({ length: 64 }, (_, i) => {
	const [f, x] = [i >> 3, i & 7];
	return (f === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * f * Math.PI) / 16);
});

/** The plane after its blocks of 8 × 8 were transformed, rounded to multiples of the table's steps and transformed back. */
function quantized(values: Plane, width: number, table: readonly number[]): Plane {
	const result = new Float32Array(values.length);
	const [block, half] = [new Float32Array(64), new Float32Array(64)];
	for (let corner = 0; corner < values.length; corner += 8) {
		if (corner % (8 * width) >= width) continue; // not the top of a block
		for (let i = 0; i < 64; i++) block[i] = values[corner + (i >> 3) * width + (i & 7)];
		transform(block, half, 1, 8);
		transform(half, block, 1, 8);
		for (let i = 0; i < 64; i++) block[i] = table[i] * Math.round(block[i] / table[i]);
		transform(block, half, 8, 1);
		transform(half, block, 8, 1);
		for (let i = 0; i < 64; i++) result[corner + (i >> 3) * width + (i & 7)] = block[i];
	}
	return result;
}

/** Multiplies the rows of a block by the cosines, to frequencies or (steps 8, 1) back, and turns it over; twice is the transform. */
function transform(from: Float32Array, to: Float32Array, stepX: number, stepF: number): void {
	for (let row = 0; row < 8; row++) {
		for (let f = 0; f < 8; f++) {
			let sum = 0;
			for (let x = 0; x < 8; x++) sum += from[8 * row + x] * COSINES[f * stepF + x * stepX];
			to[8 * f + row] = sum;
		}
	}
}
