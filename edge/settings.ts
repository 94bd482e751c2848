import { availableParallelism } from "node:os";
import type { Config } from "../config/schema.js";
import type { Settings } from "../operators/settings.js";
import { isPublished } from "./bank.js";

/** Rates and decays that nobody has had to change (zoa.md, "Settings" and step 7). */
const PUBLISHED_STEP = { mixPerturbation: 0.05, mixRate: 0.01, mixDecay: 0.1, decay: 0.4 } as const;

/** Threads for ONNX Runtime where the configuration says nothing: one core is left to ffmpeg and the rest. */
export const defaultThreads = (): number => Math.max(1, availableParallelism() - 1);

/** Milliseconds: a published batch waits until it is full. */
const PUBLISHED_PATIENCE = 60_000;

/** The pipeline's settings from the configuration. */
export const settingsOf = ({ adapt, batch }: Config): Settings => {
	const published = isPublished(adapt.method);
	return {
		// The published procedure knows no small batches: its batch is its window.
		batch: published
			? { frames: adapt.window, patience: PUBLISHED_PATIENCE }
			: { frames: batch.frames, patience: batch.patience },
		learning:
			adapt.method === "none"
				? undefined
				: {
						published,
						...(adapt.method === "zoa+" && { sweep: { cpu: adapt.cpu } }),
						align: adapt.align,
						refine: adapt.method !== "zoa+",
						window: adapt.window,
						threshold: adapt.threshold,
						falseAlarms: adapt.falseAlarms,
						nearness: adapt.nearness,
						gate: adapt.gate,
						bank: adapt.bank,
						lambda: adapt.lambda,
						step: { ...PUBLISHED_STEP, perturbation: adapt.perturbation, rate: adapt.rate },
						checkpoint: adapt.checkpoint * adapt.window,
						seed: adapt.seed,
					},
	};
};
