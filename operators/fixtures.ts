import type { Learning } from "./settings.js";
import type { Model } from "./types.js";
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

/** Mean difference of neighbours of which pictures with no more noise than `clear` have less. */
const SMOOTH = 40;

/**
 * A forward of the model in memory, but that noise moves the mean of what the last site shows by so much for each grey level that
 * neighbours differ by, where no scale or bias brings it back.
 */
export const irritable = (model: Model, irritation: number): Model["forward"] => {
	const { width: row, height } = model.bundle.manifest.input;
	const size = 3 * row * height;
	const [{ channels }] = model.bundle.manifest.sites;
	return async (pixels, affine) => {
		const roughness = Array.from({ length: pixels.length / size }, (_, i) => {
			const own = pixels.subarray(i * size, (i + 1) * size);
			return own.reduce((sum, v, p) => sum + (p % row ? Math.abs(v - own[p - 1]) : 0), 0) / size;
		});
		const { sites, ...activations } = await model.forward(pixels, affine);
		const width = sites.length / roughness.length / 2;
		for (const [i, rough] of roughness.entries())
			for (let at = 2 * i * width + 2 * channels; at < (2 * i + 1) * width; at++) {
				const off = irritation * Math.max(0, rough - SMOOTH);
				sites[at + width] += 2 * sites[at] * off + off * off;
				sites[at] += off;
			}
		return { ...activations, sites };
	};
};
