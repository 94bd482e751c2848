import type { Image } from "../image.js";
import { gaussianBlur } from "./filter.js";
import { mapValues, type Plane, smoothstep } from "./planes.js";
import { plasma } from "./plasma.js";
import { between, type Random } from "./random.js";
import { type Five, perFrame, pixels } from "./severity.js";

const FROST: Five<readonly [picture: number, frost: number]> = [
	[1, 0.4],
	[0.8, 0.6],
	[0.7, 0.7],
	[0.65, 0.7],
	[0.6, 0.75],
];

/** Ice is a little blue. */
const TINT = [0.9, 0.97, 1.05] as const;

/** Ice on the window: shares of the picture and of the ice. ImageNet-C has photographs of ice; this draws it. */
export const frost = perFrame("frost", FROST, (image, [share, iceShare], random) => {
	const ice = drawIce(image, random);
	return mapValues(image, (value, i, c) => share * value + iceShare * Math.min(1, TINT[c] * ice[i]));
});

const FERNS = 44;
/** Between a stem and its branches: water freezes in hexagons. */
const BRANCHING = Math.PI / 3;

/** A film of uneven thickness, and ferns that grow over it from the rim. */
function drawIce(image: Image, random: Random): Plane {
	const { width, height } = image;
	const film = plasma(width, height, 1.5, random);
	const lines = new Float32Array(width * height);
	for (let i = 0; i < FERNS; i++) growFern(lines, image, random);
	const crystals = gaussianBlur(lines, width, height, pixels(image, 1));
	return film.map((thickness, i) => 0.85 * smoothstep(0.2, 1, thickness) + 0.9 * (1 - Math.exp(-1.2 * crystals[i])));
}

function growFern(lines: Plane, image: Image, random: Random): void {
	const { width, height } = image;
	const side = pixels(image, 224);
	// From a place on an ellipse through the corners' neighbourhood, towards somewhere near the middle.
	const around = between(random, 0, 2 * Math.PI);
	let x = width * (0.5 + 0.62 * Math.cos(around));
	let y = height * (0.5 + 0.62 * Math.sin(around));
	let heading = around + Math.PI + between(random, -0.9, 0.9);
	const bend = between(random, -1.5, 1.5) / side;
	const length = side * between(random, 0.25, 0.75);
	// A line is as wide as a pixel of 224 × 224, so in a smaller picture it covers its pixels in part.
	const strength = pixels(image, between(random, 0.5, 1.6));
	const spacing = pixels(image, between(random, 4, 8));
	let next = spacing;
	for (let grown = 0; grown < length; grown++) {
		const left = 1 - grown / length;
		dot(lines, width, height, x, y, strength * (0.4 + left));
		x += Math.cos(heading);
		y += Math.sin(heading);
		heading += bend;
		if (grown < next) continue;
		next += spacing;
		for (const turn of [-BRANCHING, BRANCHING]) {
			const reach = 0.3 * length * left * between(random, 0.3, 1);
			const [dx, dy] = [Math.cos(heading + turn), Math.sin(heading + turn)];
			for (let d = 1; d < reach; d++)
				dot(lines, width, height, x + d * dx, y + d * dy, 0.7 * strength * (1 - d / reach));
		}
	}
}

/** Adds `amount` to the four pixels around a place, by their nearness. */
function dot(lines: Plane, width: number, height: number, x: number, y: number, amount: number): void {
	const [left, top] = [Math.floor(x), Math.floor(y)];
	if (left < 0 || top < 0 || left >= width - 1 || top >= height - 1) return;
	const [u, v] = [x - left, y - top];
	const i = top * width + left;
	lines[i] += amount * (1 - u) * (1 - v);
	lines[i + 1] += amount * u * (1 - v);
	lines[i + width] += amount * (1 - u) * v;
	lines[i + width + 1] += amount * u * v;
}
