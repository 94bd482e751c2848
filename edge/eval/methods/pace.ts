/**
 * PACE: Subspace Optimization for Backpropagation-Free Continual Test-Time Adaptation.
 * Sójka, Cygert, Masana; ECML PKDD 2026, arXiv 2603.28678.
 *
 * Only the abstract, its repository's README and what zoa.md says of it were at hand, not the paper's formulae nor its
 * settings, and its code was not read. From these is taken: the scales and biases of the norms are learned directly, by
 * CMA-ES in a subspace of few dimensions that a Fastfood projection maps to all of them; learning stops when they
 * hardly move (4.5 % over 8 steps) and begins again when the domain changes; a bank holds what was learned in each
 * domain.
 *
 * Ours is the rest, so that this is an honest relative of PACE and no reproduction: the loss and λ (loss.ts: taps
 * against the source's, and entropy); one generation a batch, predicted with the best sample, or once it has stopped
 * with the mean in a single pass; 64 dimensions, 16 samples (the tutorial's number) and first steps of 0.05 in each
 * scale and bias; movement is a generation's, as a share of the length of the parameters that are learned, and has to
 * stay under 4.5 % for 8 generations, which with these steps is mostly the first 8 of a domain; a domain has changed
 * when the shift score of the batch's stem is above the published threshold of ZOA, and is a stored one when its score
 * to that is below; a stored one begins where it was left, learning only if it had not stopped, and a new one begins at
 * the source. A batch of less than half the size is predicted and no more.
 */

import type { Activations, Bundle, Frame, Model } from "../../../operators/types.js";
import { blankDetector, type Detector, moved, PUBLISHED_WEIGHT, scoreOf } from "../../../operators/zoa/detector.js";
import { loss, meanEntropy, stageSpans, tapStatistics } from "../../../operators/zoa/loss.js";
import { perturbedSpans } from "../../../operators/zoa/mix.js";
import { type Moments, moments, pooled, shiftScore } from "../../../operators/zoa/moments.js";
import { dot, minus, rows, type Span, type Vector } from "../../../operators/zoa/vector.js";
import type { Adapting, Answer, Method, Start } from "../method.js";
import { type Cma, openCma, usualPopulation } from "./cma.js";
import { openFastfood } from "./fastfood.js";
import { forward, probabilitiesOf } from "./forward.js";

const DIMENSIONS = 64;
/** First steps: how far each scale and bias is tried to either side. */
const STEP = 0.05;
/**
 * Share of the parameters' length under which a generation's movement is none, and generations in a row until that is
 * the end.
 */
const STILL = 0.045;
const PATIENCE = 8;
/** Domains that are remembered; the oldest goes first. */
const BANK = 32;
/** zoa.md, "Settings": of a transformer and of a convolutional network. */
const PUBLISHED = { transformer: { lambda: 30, threshold: 0.1 }, convolutional: { lambda: 1, threshold: 0.2 } };

/** What is remembered of a domain. */
interface Stored {
	readonly name: string;
	readonly stem: Moments;
	/** In the subspace. */
	readonly vector: Float64Array;
	readonly still: number;
}

/** What is learned in the present one. */
interface Learning {
	readonly name: string;
	readonly cma: Cma;
	/** Generations in a row that hardly moved. */
	readonly still: number;
}

export const pace: Method = {
	name: "pace",
	refuses: ({ sites }) =>
		sites.some(({ perturbed }) => perturbed)
			? undefined
			: "pace learns the sites that zeroth-order steps perturb, and this model has none",
	open: async (model, start) => openPace(model, start),
};

function openPace(model: Model, { seed, window }: Start): Adapting {
	const { bundle } = model;
	const { manifest } = bundle;
	const published = PUBLISHED[manifest.sites.some(({ kind }) => kind === "norm") ? "transformer" : "convolutional"];
	const spans = perturbedSpans(manifest.sites);
	const parameters = spans.reduce((sum, { length }) => sum + length, 0);
	const dimensions = Math.min(DIMENSIONS, parameters);
	const project = openFastfood(dimensions, parameters, seed);
	const affineOf = (vector: Float64Array) => placed(bundle.source.affine, project(vector), spans);
	let named = 0;
	let detector: Detector = blankDetector;
	let bank: readonly Stored[] = [];
	let learning = begun();

	/** A domain taken up where it was left, or at the source. */
	function begun(from?: Stored): Learning {
		named += from ? 0 : 1;
		const mean = from?.vector ?? new Float64Array(dimensions);
		return {
			name: from?.name ?? `domain ${named}`,
			cma: openCma({ mean, deviation: STEP, seed: seed + named }),
			still: from?.still ?? 0,
		};
	}

	/** Stores what was learned of the domain that is over, and looks the new one up. */
	function changed(stem: Moments): void {
		if (detector.reference) {
			const { name, cma, still } = learning;
			const entry = { name, stem: detector.reference, vector: cma.mean(), still };
			bank = [...bank.filter((other) => other.name !== name), entry].slice(-BANK);
		}
		const [nearest] = bank
			.map((stored) => ({ stored, score: shiftScore(stem, stored.stem) }))
			.sort((a, b) => a.score - b.score);
		learning = begun(nearest && nearest.score < published.threshold ? nearest.stored : undefined);
		detector = blankDetector;
	}

	const lossOf = ({ logits, taps }: Activations): number => {
		const calibrated = { mean: bundle.source.tapMean, deviation: bundle.source.tapDeviation };
		const seen = tapStatistics(rows(taps, bundle.source.tapMean.length));
		const entropy = meanEntropy(logits, manifest.labels.length);
		return loss(seen, calibrated, entropy, published.lambda, stageSpans(manifest.taps.stages));
	};

	/** One generation: every sample tried on the batch. Gives what the best of them predicts. */
	async function generation(frames: readonly Frame[]): Promise<Activations> {
		const { cma, still } = learning;
		const before = affineOf(cma.mean());
		let best: { readonly activations: Activations; readonly value: number } | undefined;
		const values: number[] = [];
		for (const vector of cma.ask()) {
			const activations = await forward(model, frames, affineOf(vector));
			const value = lossOf(activations);
			values.push(value);
			if (!best || value < best.value) best = { activations, value };
		}
		cma.tell(values);
		const isStill = movement(before, affineOf(cma.mean()), spans) < STILL;
		learning = { ...learning, still: isStill ? still + 1 : 0 };
		return (best as NonNullable<typeof best>).activations;
	}

	const answer = ({ logits }: Activations, passes: number, isNew: boolean): Answer => ({
		probabilities: probabilitiesOf(logits, manifest.labels.length),
		passes,
		domain: learning.name,
		changed: isNew,
		bankBytes: bank.length * 4 * (dimensions + 2 * manifest.stem.channels),
	});

	return {
		batch: window,
		step: async (frames) => {
			const count = frames.length;
			// Also tells whether the domain is another one; the stem lies before everything that is learned.
			const first = await forward(model, frames, affineOf(learning.cma.mean()));
			if (count < window / 2) return answer(first, count, false);
			const stem = stemOf(bundle, first);
			const score = scoreOf(detector, stem);
			const isNew = score !== undefined && score > published.threshold;
			if (isNew) changed(stem);
			detector = moved(detector, stem, count, PUBLISHED_WEIGHT);
			if (learning.still < PATIENCE) {
				const activations = await generation(frames);
				return answer(activations, count * (1 + usualPopulation(dimensions)), isNew);
			}
			// A domain that is found again has other parameters than the pass was made with.
			const last = isNew ? await forward(model, frames, affineOf(learning.cma.mean())) : first;
			return answer(last, isNew ? 2 * count : count, isNew);
		},
		close: async () => {},
	};
}

/** The parameters with what was learned added to those that are learned. */
const placed = (source: Vector, learned: Float64Array, spans: readonly Span[]): Vector => {
	const affine = source.slice();
	let from = 0;
	for (const { offset, length } of spans) {
		for (let i = 0; i < length; i++) affine[offset + i] += learned[from + i];
		from += length;
	}
	return affine;
};

/** How far the parameters that are learned went, as a share of their length. */
function movement(before: Vector, after: Vector, spans: readonly Span[]): number {
	const way = minus(after, before);
	const squares = (x: Vector) => spans.reduce((sum, span) => sum + dot(x, x, span), 0);
	return Math.sqrt(squares(way) / squares(after));
}

/** Moments of a batch's stem, with the unbiased variance. */
const stemOf = ({ manifest, source }: Bundle, { stem, frames }: Activations): Moments =>
	moments(pooled(rows(stem, source.stem.length)), frames * manifest.stem.positions);
