import { between, normal, type Random } from "./random.js";
import { HEIGHT, OVERSAMPLING, VIEW, WIDTH } from "./view.js";

/** What the picture goes through on its way from the road to the file. */
export type Weather = "clear" | "fog" | "night" | "noise";

/** Spoils one RGBA picture and returns it as RGB; `severity` 1 is what the clip shows. */
export type Lens = (picture: Uint8ClampedArray, weather: Weather, severity: number) => Uint8Array;

const PIXELS = WIDTH * HEIGHT;

/** A lens with its own grain and its own wandering exposure. */
export const lens = (random: Random): Lens => {
	const deviates = Float32Array.from({ length: 1 << 16 }, () => normal(random));
	const distance = distances();
	const coloured = [0, 1, 2].map(() => new Float32Array(PIXELS));
	const fine = new Float32Array(PIXELS);
	let exposure = 0;
	return (picture, weather, severity) => {
		const s = settings(weather, severity);
		exposure = 0.9 * exposure + 0.008 * normal(random);
		const curves = s.tint.map((tint) => curve(s.gamma, tint * (1 + exposure + between(random, -0.004, 0.004))));
		for (const noise of [fine, ...coloured]) grain(noise, deviates, s.coarse, random);
		const out = new Uint8Array(3 * PIXELS);
		for (let i = 0; i < PIXELS; i++) {
			const through = s.density === 0 ? 1 : Math.exp(-s.density * (distance[i] as number));
			for (let c = 0; c < 3; c++) {
				const light = (curves[c] as Float32Array)[picture[4 * i + c] as number] as number;
				const noise = s.grey * (fine[i] as number) + s.colour * ((coloured[c] as Float32Array)[i] as number);
				const value = light * through + (AIR[c] as number) * (1 - through) + noise;
				out[3 * i + c] = Math.min(255, Math.max(0, Math.round(value)));
			}
		}
		return out;
	};
};

/** The colour of fog. */
const AIR = [196, 200, 204] as const;

/** What becomes of each of the 256 levels. */
const curve = (gamma: number, gain: number): Float32Array =>
	Float32Array.from({ length: 256 }, (_, level) => 255 * gain * (level / 255) ** gamma);

/** How each weather acts: fog by distance, night by gamma and tint, noise in grey and in each colour. */
const settings = (weather: Weather, severity: number): Settings => {
	switch (weather) {
		case "clear":
			return CLEAR;
		case "fog":
			return { ...CLEAR, density: 0.029 * severity };
		case "night": {
			const tint = [1 - 0.52 * severity, 1 - 0.56 * severity, 1 - 0.51 * severity];
			return { ...CLEAR, gamma: 1 + 0.27 * severity, tint, grey: 4 * severity, colour: 3.5 * severity };
		}
		case "noise":
			return { ...CLEAR, grey: 38 * severity, colour: 32 * severity, coarse: 2 };
	}
};

interface Settings {
	/** What a metre of air takes away. */
	readonly density: number;
	readonly gamma: number;
	readonly tint: readonly number[];
	/** Deviations of the noise common to the channels, and of each channel's own. */
	readonly grey: number;
	readonly colour: number;
	/** The size of a speck, in pixels: an amplified sensor bins, and what is coarse survives compression. */
	readonly coarse: number;
}

const CLEAR: Settings = { density: 0, gamma: 1, tint: [1, 1, 1], grey: 1.5, colour: 1, coarse: 1 };

/** How far away the ground is at each pixel, in metres. */
const distances = (): Float32Array =>
	Float32Array.from({ length: PIXELS }, (_, i) => {
		const [x, y] = [(i % WIDTH) + 0.5, Math.floor(i / WIDTH) + 0.5];
		return Math.min(120, VIEW.groundDistance(x * OVERSAMPLING, y * OVERSAMPLING));
	});

/** Fills `out` with noise of unit deviation in cells of `coarse` pixels, each sharing some with its neighbours. */
const grain = (out: Float32Array, deviates: Float32Array, coarse: number, random: Random): void => {
	const mask = deviates.length - 1;
	const offsets = Array.from({ length: HEIGHT + 1 }, () => Math.floor(random() * deviates.length));
	for (let y = 0; y < HEIGHT; y++) {
		const row = Math.floor(y / coarse);
		const [a, b] = [offsets[row] as number, offsets[row + 1] as number];
		for (let x = 0; x < WIDTH; x++) {
			const column = Math.floor(x / coarse);
			const above = (deviates[(a + column) & mask] as number) + (deviates[(a + column + 1) & mask] as number);
			const below = (deviates[(b + column) & mask] as number) + (deviates[(b + column + 1) & mask] as number);
			out[y * WIDTH + x] = (above + below) / 2;
		}
	}
};
