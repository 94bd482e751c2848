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
