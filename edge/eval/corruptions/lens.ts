import type { Image } from "../image.js";
import { gaussianBlur } from "./filter.js";
import { mapPlanes, mapValues, plane, smoothstep } from "./planes.js";
import { plasma } from "./plasma.js";
import { between, type Random } from "./random.js";
import { warp } from "./sample.js";
import { type Five, perFrame, pixels } from "./severity.js";

interface Disk {
	readonly x: number;
	readonly y: number;
	readonly radius: number;
}

const scatter = ({ width, height }: Image, count: number, radius: (random: Random) => number, random: Random): Disk[] =>
	Array.from({ length: count }, () => {
		const [x, y] = [between(random, 0, width), between(random, 0, height)];
		return { x, y, radius: radius(random) };
	});

/** Calls `visit` for the pixels of a disk with the distance from its middle, in radii. */
function forDisk(
	{ width, height }: Image,
	{ x, y, radius }: Disk,
	visit: (pixel: number, dx: number, dy: number, distance: number) => void,
): void {
	for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(height, y + radius); row++) {
		for (let column = Math.max(0, Math.floor(x - radius)); column < Math.min(width, x + radius); column++) {
			const [dx, dy] = [column + 0.5 - x, row + 0.5 - y];
			const distance = Math.hypot(dx, dy) / radius;
			if (distance < 1) visit(row * width + column, dx, dy, distance);
		}
	}
}

/** Drops, and the largest one's radius in pixels. */
const RAIN: Five<readonly [drops: number, radius: number]> = [
	[12, 11],
	[20, 13],
	[30, 15],
	[42, 18],
	[56, 22],
];
const DROP_BLUR = 2;
/** How much more of the view a drop shows than the lens does in the same place. */
const DROP_VIEW = 3;

/** Drops on the lens: each shows its surroundings upside down and out of focus, dark above and light below. */
export const rain = perFrame("rain", RAIN, (image, [drops, radius], random) => {
	const { width, height } = image;
	const area = width * height;
	const xs = plane(width, height, (x) => x);
	const ys = plane(width, height, (_, y) => y);
	const cover = new Float32Array(area);
	const shade = new Float32Array(area);
	const size = (uniform: Random) => pixels(image, radius * between(uniform, 0.4, 1));
	for (const drop of scatter(image, drops, size, random)) {
		forDisk(image, drop, (i, dx, dy, distance) => {
			xs[i] = drop.x - DROP_VIEW * dx;
			ys[i] = drop.y - DROP_VIEW * dy;
			cover[i] = Math.max(cover[i], 1 - smoothstep(0.75, 1, distance));
			shade[i] = 0.85 + (0.35 * dy) / drop.radius - 0.25 * smoothstep(0.6, 1, distance);
		});
	}
	const blurred = mapPlanes(image, (values) => gaussianBlur(values, width, height, pixels(image, DROP_BLUR)));
	const seen = warp(blurred, xs, ys).data;
	return mapValues(image, (value, i, c) => value + cover[i] * (shade[i] * seen[c * area + i] - value));
});

interface Dirt {
	/** The share of the lens that smears lie on, about. */
	readonly smears: number;
	readonly specks: number;
	/** What is lost where it is thickest. */
	readonly density: number;
}

const DIRT: Five<Dirt> = [
	{ smears: 0.2, specks: 15, density: 0.55 },
	{ smears: 0.3, specks: 25, density: 0.65 },
	{ smears: 0.4, specks: 40, density: 0.75 },
	{ smears: 0.5, specks: 60, density: 0.85 },
	{ smears: 0.6, specks: 90, density: 0.95 },
];
/** Mud lit from outside, as ImageNet-C has it. */
const MUD = [63 / 255, 42 / 255, 20 / 255] as const;
const DIRT_BLUR = 3;

/** Smears and specks on the lens, too near to be in focus, brown where they are thick. */
export const dirt = perFrame("dirt", DIRT, (image, { smears, specks, density }, random) => {
	const { width, height } = image;
	const clouds = plasma(width, height, 1.6, random);
	const edge = Float32Array.from(clouds).sort()[Math.floor((1 - smears) * (clouds.length - 1))];
	const thickness = clouds.map((value) => 0.8 * smoothstep(edge - 0.08, edge + 0.25, value));
	const size = (uniform: Random) => pixels(image, 2 + 7 * uniform() ** 2);
	for (const speck of scatter(image, specks, size, random)) {
		const weight = between(random, 0.5, 1);
		forDisk(image, speck, (i) => {
			thickness[i] = Math.max(thickness[i], weight);
		});
	}
	const lost = gaussianBlur(thickness, width, height, pixels(image, DIRT_BLUR));
	return mapValues(image, (value, i, c) => value + density * lost[i] * (MUD[c] - value));
});
