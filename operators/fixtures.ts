import type { Learning } from "./settings.js";
import { uniforms } from "./zoa/random.js";

/** Learning at the size of the model in memory, with zeroth-order steps. */
export const LEARNING: Learning = {
	published: false,
	align: true,
	refine: true,
	window: 16,
	threshold: 0.1,
	falseAlarms: 1,
	nearness: 0.25,
	gate: 0.15,
	bank: 4,
	lambda: 30,
	step: { mixPerturbation: 0.05, mixRate: 0.01, mixDecay: 0.1, perturbation: 0.02, rate: 5e-4, decay: 0.4 },
	checkpoint: 1_000,
	seed: 1,
};

/** Noise around a brightness, 8 × 8 pixels in three planes. */
export const pictures = (count: number, brightness: number, seed: number): Uint8Array[] =>
	Array.from({ length: count }, (_, i) =>
		Uint8Array.from(uniforms(seed * 1_000 + i, 192)[0], (u) => brightness * (0.5 + u)),
	);

/** Levels of the planes G, B, R that the three labels of the model in memory were calibrated with. */
const LEVELS = [
	[40, 40, 40],
	[190, 90, 80],
	[70, 80, 200],
];

/** Pictures of the labels in turn, no two alike. */
export const clear = (count: number, seed: number): Uint8Array[] =>
	Array.from({ length: count }, (_, i) => {
		const [tints, next] = uniforms(seed * 1_000 + i, 3);
		const [noise] = uniforms(next, 192);
		return Uint8Array.from(noise, (u, p) => {
			const plane = Math.floor(p / 64);
			return Math.max(0, LEVELS[i % 3][plane] + 60 * (tints[plane] - 0.5) + 80 * (u - 0.5));
		});
	});

/** The same through a haze, which takes contrast and adds light. */
export const hazy = (count: number, seed: number) =>
	clear(count, seed).map((picture) => picture.map((v) => 0.4 * v + 150));

/** By so little light that the stem hardly varies. */
export const dark = (count: number, seed: number) => clear(count, seed).map((picture) => picture.map((v) => 0.06 * v));
