import { between, type Random } from "../corruptions/random.js";
import type { Size } from "../footage.js";

/** A rectangle as shares of a picture's width and height. */
export interface View {
	readonly name: string;
	readonly left: number;
	readonly top: number;
	readonly side: number;
}

/** What cameras are made to look at: nearly the whole picture, with room to pan, and two regions of the road. */
export const VIEWS: readonly View[] = [
	{ name: "whole", left: 0.1, top: 0.1, side: 0.8 },
	{ name: "half", left: 0.25, top: 0.4, side: 0.5 },
	{ name: "small", left: 0.4, top: 0.5, side: 0.2 },
];

/** How a camera looks at what is there: moved by shares of its view's side, its exposure multiplied. */
export interface Look {
	readonly dx: number;
	readonly dy: number;
	readonly gain: number;
}

const STILL: Look = { dx: 0, dy: 0, gain: 1 };
/** A pan goes through these, to the right or to the left. */
const PAN = [0.04, 0.08, 0.12];
const SHAKES = 6;
/** A mast in the wind or a passing lorry moves the picture by up to so much of its side. */
const SHAKE = 0.03;
const EXPOSURE = 0.2;

/** Every look by its place: numbers, so that what a frame gives under each is computed once. */
export interface Looks {
	readonly all: readonly Look[];
	readonly still: number;
	readonly shakes: readonly number[];
	/** To either side, outermost last. */
	readonly pans: readonly (readonly number[])[];
	readonly exposures: readonly number[];
}

export function looksOf(random: Random): Looks {
	const all: Look[] = [];
	const add = (look: Partial<Look>) => all.push({ ...STILL, ...look }) - 1;
	const shake = () => between(random, -SHAKE, SHAKE);
	return {
		all,
		still: add({}),
		shakes: Array.from({ length: SHAKES }, () => add({ dx: shake(), dy: shake() })),
		pans: [1, -1].map((side) => PAN.map((dx) => add({ dx: side * dx }))),
		exposures: [1 - EXPOSURE, 1 + EXPOSURE].map((gain) => add({ gain })),
	};
}

/** A view of a picture in planes, each pixel the mean of what falls on it. */
export function seen(
	picture: Uint8Array,
	{ width, height }: Size,
	{ left, top, side }: View,
	{ dx, dy, gain }: Look,
	size: Size,
): Uint8Array {
	const edges = (from: number, whole: number, count: number) =>
		Int32Array.from({ length: count + 1 }, (_, i) => Math.round((from + (side * i) / count) * whole));
	const xs = edges(left + side * dx, width, size.width);
	const ys = edges(top + side * dy, height, size.height);
	const pixels = new Uint8Array(3 * size.width * size.height);
	for (let plane = 0, at = 0; plane < 3; plane++) {
		for (let y = 0; y < size.height; y++) {
			for (let x = 0; x < size.width; x++, at++) {
				let sum = 0;
				// A view smaller than the model's input repeats pixels.
				const [right, bottom] = [Math.max(xs[x + 1], xs[x] + 1), Math.max(ys[y + 1], ys[y] + 1)];
				for (let v = ys[y]; v < bottom; v++)
					for (let u = xs[x]; u < right; u++) sum += picture[(plane * height + v) * width + u];
				pixels[at] = Math.min(255, Math.round((gain * sum) / ((right - xs[x]) * (bottom - ys[y]))));
			}
		}
	}
	return pixels;
}
