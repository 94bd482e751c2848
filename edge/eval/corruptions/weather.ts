import type { Image } from "../image.js";
import { convolve, streak } from "./filter.js";
import { grey, mapValues, type Plane, plane } from "./planes.js";
import { plasma } from "./plasma.js";
import { between, normals, type Random } from "./random.js";
import { resample } from "./sample.js";
import { type Five, perFrame, pixels } from "./severity.js";

const FOG: Five<readonly [density: number, decay: number]> = [
	[1.5, 2],
	[2, 2],
	[2.5, 1.7],
	[2.5, 1.5],
	[3, 1.4],
];

/** Clouds of light added, then the whole exposed so that the brightest value can stay what it was. */
export const fog = perFrame("fog", FOG, (image, [density, decay], random) => {
	const { width, height, data } = image;
	const brightest = data.reduce((most, value) => Math.max(most, value), 0);
	const clouds = plasma(width, height, decay, random);
	return mapValues(image, (value, i) => ((value + density * clouds[i]) * brightest) / (brightest + density));
});

/** Added to the V of HSV, which leaves hue and saturation: the three values of a pixel grow by one factor. */
export const brightness = perFrame("brightness", [0.1, 0.2, 0.3, 0.4, 0.5], (image, more) => {
	const { width, height, data } = image;
	const area = width * height;
	const lights = plane(width, height, (x, y) => {
		const i = y * width + x;
		return Math.max(data[i], data[area + i], data[2 * area + i]);
	});
	return mapValues(image, (value, i) => {
		const bright = Math.min(1, lights[i] + more);
		return lights[i] === 0 ? bright : (value / lights[i]) * bright;
	});
});

interface Snow {
	/** Of the noise that becomes flakes where it exceeds `threshold`. */
	readonly mean: number;
	readonly deviation: number;
	/** Pixels. */
	readonly flake: number;
	readonly threshold: number;
	/** Of the streak that a falling flake leaves, in pixels. */
	readonly radius: number;
	readonly sigma: number;
	/** The share of the picture that is not whitened. */
	readonly clear: number;
}

const SNOW: Five<Snow> = [
	{ mean: 0.1, deviation: 0.3, flake: 3, threshold: 0.5, radius: 10, sigma: 4, clear: 0.8 },
	{ mean: 0.2, deviation: 0.3, flake: 2, threshold: 0.5, radius: 12, sigma: 4, clear: 0.7 },
	{ mean: 0.55, deviation: 0.3, flake: 4, threshold: 0.9, radius: 12, sigma: 8, clear: 0.7 },
	{ mean: 0.55, deviation: 0.3, flake: 4.5, threshold: 0.85, radius: 12, sigma: 8, clear: 0.65 },
	{ mean: 0.55, deviation: 0.3, flake: 2.5, threshold: 0.85, radius: 12, sigma: 12, clear: 0.55 },
];

/** The picture whitened, and falling snow before it, once as drawn and once turned by half a turn. */
export const snow = perFrame("snow", SNOW, (image, constants, random) => {
	const { clear } = constants;
	const flakes = fallingFlakes(image, constants, random);
	const light = grey(image);
	return mapValues(image, (value, i) => {
		const white = Math.max(value, 1.5 * light[i] + 0.5);
		return clear * value + (1 - clear) * white + flakes[i] + flakes[flakes.length - 1 - i];
	});
});

function fallingFlakes(image: Image, snow: Snow, random: Random): Plane {
	const { width, height } = image;
	const normal = normals(random);
	const angle = between(random, -135, -45);
	// The noise has one value per flake, however many pixels that is; in a small picture it is fewer than one.
	const flake = pixels(image, snow.flake);
	const cells = [Math.ceil(width / flake) + 1, Math.ceil(height / flake) + 1] as const;
	const noise = plane(...cells, () => snow.mean + snow.deviation * normal());
	const layer = resample(noise, cells, [width, height], 1 / flake, [0, 0]);
	const flakes = layer.map((value) => (value < snow.threshold ? 0 : Math.min(1, value)));
	return convolve(flakes, width, height, streak(pixels(image, 2 * snow.radius), pixels(image, snow.sigma), angle));
}
