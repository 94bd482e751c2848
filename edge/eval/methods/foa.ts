/**
 * FOA: Test-Time Model Adaptation with Only Forward Passes.
 * Niu, Miao, Chen, Wu, Zhao; ICML 2024, arXiv 2404.01650. Written from the paper's text; its authors' code, which is
 * licensed for non-commercial use only, was not looked at.
 *
 * Taken, from its algorithm 1: three prompts, tokens given to each frame along with its own, are what is learned. For
 * each batch CMA-ES draws K sets of prompts (mean 0, covariance 1 and step size 1 to begin with), the batch goes
 * through the model with each of them, and the set with the lowest fitness gives the predictions; one generation a
 * batch. The fitness is the entropy of the predictions added up over the batch, plus λ·(batch / 64) times, for each
 * layer, the distances between the class token's mean and the source's and between its deviation and the source's.
 * Before the head, the features are shifted by d, the source's mean less a moving average (0.1) of the batches' means,
 * in full. K is 28 in the paper, 6 and 2 in its figure 2.
 *
 * Different here: λ is 16, where the paper has 0.4 "to balance the magnitude of two losses" on a ViT-B with 1000
 * classes. On a small model 0.4 leaves the entropy to win, and with it the prompts that make the model sure of one
 * class: K = 28 in fog falls from 52 to 23 % within 20 batches. 16 weighs the two as ZOA's λ of 30 on the same models
 * does. The layers' class tokens are taken where the model is tapped, behind the next block's first norm; the moving
 * average begins with the first batch's mean, and each set of prompts has its own until the best one's is kept; the
 * prompts are in units of how far the model's own tokens scatter, channel by channel, as the paper's step size of 1 is
 * one of its model; a batch of less than half the size is predicted with the mean of the search and nothing is learned
 * from it. CMA-ES keeps its covariance as a triangular factor (cma.ts).
 */

import { packed } from "../../../operators/batch.js";
import type { Bundle, Frame, Manifest, Model } from "../../../operators/types.js";
import { meanEntropy, stageSpans, tapStatistics } from "../../../operators/zoa/loss.js";
import { moments } from "../../../operators/zoa/moments.js";
import { followedShift, PUBLISHED_SHIFT_WEIGHT, shifted } from "../../../operators/zoa/shift.js";
import { meanSquaredDifference, rows, type Vector } from "../../../operators/zoa/vector.js";
import { openSession, type Session } from "../../prepare/graph/session.js";
import { type Adapting, type Method, type Start, WINDOW } from "../method.js";
import { openCma } from "./cma.js";
import { meanOf, probabilitiesOf } from "./forward.js";
import { PROMPTED_OUTPUTS, promptedGraph } from "./prompts.js";

const PROMPTS = 3;
/** λ for a batch of 64, against entropies that are added up (above, "Different here"). */
const LAMBDA = 16;

/**
 * FOA with K passes of each batch.
 * @param told the best fitness of each generation
 */
export const foa = (population: number, told: (fitness: number) => void = () => {}): Method => ({
	name: `foa-${population}`,
	refuses: ({ sites }: Manifest) =>
		sites.some(({ kind, name }) => kind === "norm" && name.startsWith("blocks."))
			? undefined
			: "foa learns tokens, and this model has none",
	open: (model, start) => openFoa(model, population, start, told),
});

export const foaMethods: readonly Method[] = [foa(2), foa(6), foa(28)];

async function openFoa(
	{ bundle }: Model,
	population: number,
	{ seed, window }: Start,
	told: (fitness: number) => void,
): Promise<Adapting> {
	const { manifest, source } = bundle;
	const classes = manifest.labels.length;
	const session = await openSession(await promptedGraph(bundle, PROMPTS));
	const cma = openCma({ mean: new Float64Array(PROMPTS * manifest.stem.channels), deviation: 1, population, seed });
	const units = moments(source.stem).variance.map(Math.sqrt);
	let history: Vector | undefined;

	const tried = async (frames: readonly Frame[], prompts: Float64Array) => {
		const { logits, features, taps } = await prompted(session, bundle, frames, prompts, units);
		const seen = followedShift(history, meanOf(rows(features, manifest.features)), PUBLISHED_SHIFT_WEIGHT);
		const corrected = shifted(logits, source.head, source.features, seen);
		return { corrected, seen, fitness: fitness(corrected, taps, bundle) };
	};
	const answer = (logits: Vector, passes: number) => ({ probabilities: probabilitiesOf(logits, classes), passes });

	return {
		batch: window,
		step: async (frames) => {
			if (frames.length < window / 2) return answer((await tried(frames, cma.mean())).corrected, frames.length);
			const tries: Awaited<ReturnType<typeof tried>>[] = [];
			for (const prompts of cma.ask()) tries.push(await tried(frames, prompts));
			cma.tell(tries.map((one) => one.fitness));
			const best = tries.reduce((a, b) => (b.fitness < a.fitness ? b : a));
			history = best.seen;
			told(best.fitness);
			return answer(best.corrected, tries.length * frames.length);
		},
		close: () => session.close(),
	};
}

/** Σ entropies + λ·(n/64)·Σ_layers (‖μ − μS‖ + ‖σ − σS‖), all of it for one frame: divided by n. */
export function fitness(logits: Vector, taps: Vector, { manifest, source }: Bundle): number {
	const found = tapStatistics(rows(taps, source.tapMean.length));
	const distance = stageSpans(manifest.taps.stages).reduce((sum, span) => {
		const apart = (x: Vector, y: Vector) => Math.sqrt(span.length * meanSquaredDifference(x, y, span));
		return sum + apart(found.mean, source.tapMean) + apart(found.deviation, source.tapDeviation);
	}, 0);
	return meanEntropy(logits, manifest.labels.length) + (LAMBDA / WINDOW) * distance;
}

/** One pass with prompts, which are in units of the tokens' deviations. */
async function prompted(
	session: Session,
	{ manifest, source }: Bundle,
	frames: readonly Frame[],
	prompts: Float64Array,
	units: Vector,
) {
	const { width, height } = manifest.input;
	const found = await session.run({
		pixels: { data: packed(frames), dims: [frames.length, 3, height, width] },
		affine: { data: source.affine, dims: [source.affine.length] },
		prompts: {
			data: Float32Array.from(prompts, (value, i) => value * units[i % units.length]),
			dims: [PROMPTS, units.length],
		},
	});
	const [logits, features, taps] = PROMPTED_OUTPUTS.map((name) => found[name].data as Float32Array);
	return { logits, features, taps };
}
