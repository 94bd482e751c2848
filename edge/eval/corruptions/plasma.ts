import { type Plane, plane } from "./planes.js";
import { between, type Random } from "./random.js";

/**
 * Clouds of 0 to 1 (diamond-square on a torus): at each step to half the size, chance moves the values `decay`² less. The
 * published program multiplies its amplitude by itself, hence the square.
 */
export function plasma(width: number, height: number, decay: number, random: Random): Plane {
	const size = 2 ** Math.ceil(Math.log2(Math.max(2, width, height)));
	const mask = size - 1;
	const map = new Float64Array(size * size);
	const value = (x: number, y: number) => map[(y & mask) * size + (x & mask)];
	let amplitude = 1;
	for (let step = size; step >= 2; step /= 2) {
		const half = step / 2;
		const near = (x: number, y: number, offsets: readonly (readonly [number, number])[]) => {
			let sum = 0;
			for (const [dx, dy] of offsets) sum += value(x + dx * half, y + dy * half);
			map[y * size + x] = sum / 4 + between(random, -amplitude, amplitude);
		};
		for (let y = half; y < size; y += step) for (let x = half; x < size; x += step) near(x, y, DIAGONAL);
		for (let y = 0; y < size; y += step) for (let x = half; x < size; x += step) near(x, y, STRAIGHT);
		for (let y = half; y < size; y += step) for (let x = 0; x < size; x += step) near(x, y, STRAIGHT);
		amplitude /= decay ** 2;
	}
	const [low, high] = map.reduce(([l, h], v) => [Math.min(l, v), Math.max(h, v)], [Infinity, -Infinity]);
	return plane(width, height, (x, y) => (map[y * size + x] - low) / (high - low));
}

const DIAGONAL = [
	[-1, -1],
	[1, -1],
	[-1, 1],
	[1, 1],
] as const;

const STRAIGHT = [
	[-1, 0],
	[1, 0],
	[0, -1],
	[0, 1],
] as const;
