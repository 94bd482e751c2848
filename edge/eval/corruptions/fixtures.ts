import type { Image } from "../image.js";
import { randomOf } from "../random.js";
import type { Random } from "./random.js";

/** A picture whose colour at (u, v), both 0 to 1, is known. */
export function draw(
	width: number,
	height: number,
	colour: (u: number, v: number) => readonly [number, number, number],
): Image {
	const area = width * height;
	const data = new Float32Array(3 * area);
	for (let y = 0, i = 0; y < height; y++) {
		for (let x = 0; x < width; x++, i++) {
			const rgb = colour((x + 0.5) / width, (y + 0.5) / height);
			for (let c = 0; c < 3; c++) data[c * area + i] = rgb[c];
		}
	}
	return { width, height, data };
}

export const flat = (width: number, height: number, value: number): Image =>
	draw(width, height, () => [value, value, value]);

/** A vehicle of a colour on a road under trees, with some grain. */
export function scene(width: number, height: number, seed: number): Image {
	const random: Random = randomOf(seed);
	const colour = [random(), random(), random()] as const;
	const [left, length] = [0.1 + 0.3 * random(), 0.35 + 0.2 * random()];
	const grain = 0.03;
	return draw(width, height, (u, v) => {
		const wheel = (at: number) => Math.hypot(u - at, v - 0.75) < 0.07;
		const at = (u - left) / length;
		const noise = grain * (random() - 0.5);
		const shaded = (rgb: readonly number[], light: number) =>
			rgb.map((value) => Math.max(0, Math.min(1, value * light + noise))) as [number, number, number];
		if (wheel(left + 0.2 * length) || wheel(left + 0.8 * length)) return shaded([0.1, 0.1, 0.12], 1);
		if (at > 0.25 && at < 0.75 && v > 0.38 && v < 0.52) return shaded([0.25, 0.35, 0.45], 1);
		if (at > 0 && at < 1 && v > 0.5 && v < 0.75) return shaded(colour, 1.2 - 0.6 * v);
		if (v > 0.9 && Math.floor(12 * u) % 2 === 0) return shaded([0.9, 0.9, 0.86], 1);
		if (v > 0.55) return shaded([0.45, 0.45, 0.47], 0.8 + 0.3 * v);
		return shaded([0.3, 0.45, 0.2], 0.7 + 0.4 * Math.sin(40 * u) * Math.sin(31 * v));
	});
}

export const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function deviation(values: Float32Array): number {
	const middle = mean(values);
	return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
}

/** Mean squared difference. */
export function distance(a: Image, b: Image): number {
	return a.data.reduce((sum, value, i) => sum + (value - b.data[i]) ** 2, 0) / a.data.length;
}

/** 0 where two pictures differ in brightness and contrast alone, 1 where they have nothing in common. */
export function dissimilarity(a: Image, b: Image): number {
	const [meanA, meanB] = [mean(a.data), mean(b.data)];
	const product = a.data.reduce((sum, value, i) => sum + (value - meanA) * (b.data[i] - meanB), 0) / a.data.length;
	return 1 - product / (deviation(a.data) * deviation(b.data));
}

/** Means of `factor` × `factor` pixels. */
export function shrunk(image: Image, factor: number): Image {
	const [width, height] = [image.width / factor, image.height / factor];
	const data = new Float32Array(3 * width * height);
	for (let c = 0, i = 0; c < 3; c++) {
		for (let y = 0; y < image.height; y++) {
			for (let x = 0; x < image.width; x++, i++) {
				const cell = (c * height + Math.floor(y / factor)) * width + Math.floor(x / factor);
				data[cell] += image.data[i] / factor ** 2;
			}
		}
	}
	return { width, height, data };
}
