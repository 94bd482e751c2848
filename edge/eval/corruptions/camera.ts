import { grey, mapValues, plane } from "./planes.js";
import { between, normals } from "./random.js";
import { type Five, perFrame } from "./severity.js";

interface Night {
	/** The share of daylight that is left. */
	readonly light: number;
	/** What the camera multiplies it by. */
	readonly gain: number;
}

const NIGHT: Five<Night> = [
	{ light: 0.25, gain: 1 },
	{ light: 0.1, gain: 1.6 },
	{ light: 0.04, gain: 2.5 },
	{ light: 0.015, gain: 4 },
	{ light: 0.006, gain: 6 },
];

/** Electrons that white daylight frees in a pixel, and the deviation of a reading. */
const FULL_WELL = 4000;
const READ_NOISE = 3;
/** Street lamps have little blue. */
const LAMPS = [1, 0.86, 0.68] as const;

/** Little, yellowish light that the camera amplifies, and with it the noise of photons and of the sensor. */
export const night = perFrame("night", NIGHT, (image, { light, gain }, random) => {
	const normal = normals(random);
	return mapValues(image, (value, _, c) => {
		// Pictures hold about the root of the light; the exact curve of sRGB would change little and cost much.
		const electrons = FULL_WELL * light * LAMPS[c] * value * value;
		const read = electrons + Math.sqrt(electrons + READ_NOISE ** 2) * normal();
		return Math.sqrt(Math.max(0, (gain * read) / FULL_WELL));
	});
});

/** Value of the sky behind fog. */
const AIR = 0.8;

/** Even fog: of the light that a thing at some distance sends, a share arrives, and the sky's fills up the rest (Koschmieder 1924). */
export const haze = perFrame("haze", [0.6, 0.45, 0.3, 0.2, 0.12], (image, transmission) =>
	// Light is the square of the value, as at night.
	mapValues(image, (value) => Math.sqrt(transmission * value * value + (1 - transmission) * AIR * AIR)),
);

interface Infrared {
	/** What the light is less by in the corners. */
	readonly falloff: number;
	/** Light that the lens throws back, in the middle. */
	readonly glare: number;
	readonly noise: number;
}

const INFRARED: Five<Infrared> = [
	{ falloff: 0.3, glare: 0.15, noise: 0.02 },
	{ falloff: 0.45, glare: 0.3, noise: 0.03 },
	{ falloff: 0.6, glare: 0.45, noise: 0.045 },
	{ falloff: 0.7, glare: 0.65, noise: 0.06 },
	{ falloff: 0.8, glare: 0.9, noise: 0.08 },
];

/** What silicon sees of near-infrared light: all colour filters let it through, the red one most. */
const SENSITIVITY = [0.5, 0.3, 0.2] as const;

/** A lamp beside the lens at night: no colours, a bright middle, dark corners. Lengths are shares of the half diagonal. */
export const infrared = perFrame("infrared", INFRARED, (image, { falloff, glare, noise }, random) => {
	const { width, height } = image;
	const normal = normals(random);
	const [middleX, middleY] = [width, height].map((length) => length / 2 + between(random, -0.08, 0.08) * length);
	const radius = Math.hypot(width, height) / 2;
	const light = grey(image, SENSITIVITY);
	const seen = plane(width, height, (x, y) => {
		const squared = ((x + 0.5 - middleX) ** 2 + (y + 0.5 - middleY) ** 2) / radius ** 2;
		const lit = light[y * width + x] * (1 - falloff * Math.min(1, squared));
		return lit + glare * Math.exp(-squared / 0.12) + noise * normal();
	});
	return mapValues(image, (_, i) => seen[i]);
});
