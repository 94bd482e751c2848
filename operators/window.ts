import { publishedStem } from "./detect.js";
import type { Learning } from "./settings.js";
import type { Activations, Bundle, Knowledge, Pass, Seen } from "./types.js";
import { moved, PUBLISHED_WEIGHT } from "./zoa/detector.js";
import { loss, meanEntropy, stageSpans, tapStatistics } from "./zoa/loss.js";
import { type Mix, perturbedSpans } from "./zoa/mix.js";
import { draw, stepped } from "./zoa/spsa.js";
import { allFinite, rows } from "./zoa/vector.js";

const taps = (bundle: Bundle, batches: readonly Activations[]) =>
	batches.flatMap((batch) => rows(batch.taps, bundle.source.tapMean.length));

/** L of a window that was predicted in batches: frames' statistics add up, so batches of any size give the same. */
const lossOf = (bundle: Bundle, { lambda }: Learning, batches: readonly Activations[]): number => {
	const { manifest, source } = bundle;
	const frames = batches.reduce((sum, batch) => sum + batch.frames, 0);
	const entropy = batches.reduce(
		(sum, batch) => sum + meanEntropy(batch.logits, manifest.labels.length) * (batch.frames / frames),
		0,
	);
	const calibrated = { mean: source.tapMean, deviation: source.tapDeviation };
	return loss(tapStatistics(taps(bundle, batches)), calibrated, entropy, lambda, stageSpans(manifest.taps.stages));
};

/** The batch added to the window. */
export const extended = (knowledge: Knowledge, seen: Seen): Knowledge => ({
	...knowledge,
	window: [...knowledge.window, seen],
});

export const isFull = ({ window }: Knowledge, learning: Learning): boolean =>
	window.reduce((sum, { frames }) => sum + frames.length, 0) >= learning.window;

/**
 * The full window closed and, unless the pass over the one before is still under way, a perturbed pass over it begun.
 * `mix` is what the window was predicted with.
 */
export const closed = (knowledge: Knowledge, mix: Mix, bundle: Bundle, learning: Learning): Knowledge => {
	const { window, pass, random, counts } = knowledge;
	const next = { ...knowledge, window: [], counts: { ...counts, windows: counts.windows + 1 } };
	if (pass) return next;
	const [draws, after] = draw(random, mix, perturbedSpans(bundle.manifest.sites));
	const before = lossOf(
		bundle,
		learning,
		window.map((seen) => seen.activations),
	);
	return {
		...next,
		random: after,
		pass: { mix, draws, loss: before, todo: window.map((seen) => seen.frames), done: [] },
	};
};

/** One batch of the perturbed pass done. */
export const advanced = (
	knowledge: Knowledge,
	pass: Pass,
	activations: Activations,
	bundle: Bundle,
	{ published }: Learning,
): Knowledge => ({
	...knowledge,
	// As published, the detector's average moves in the perturbed forward too.
	detector: published
		? moved(knowledge.detector, publishedStem(bundle, activations), activations.frames, PUBLISHED_WEIGHT)
		: knowledge.detector,
	pass: { ...pass, todo: pass.todo.slice(1), done: [...pass.done, activations] },
});

/** A complete pass turned into a step; one whose losses are not finite is dropped and counted. */
export const settled = (knowledge: Knowledge, bundle: Bundle, learning: Learning): [Knowledge, loss?: number] => {
	const { pass, counts, mix, domain } = knowledge;
	if (!pass || pass.todo.length > 0) return [knowledge];
	const difference = lossOf(bundle, learning, pass.done) - pass.loss;
	const next = { ...knowledge, pass: undefined };
	const after = stepped(mix, pass.draws, difference, learning.step);
	if (!Number.isFinite(difference) || !allFinite(after.epsilon))
		return [{ ...next, counts: { ...counts, droppedSteps: counts.droppedSteps + 1 } }];
	return [
		{
			...next,
			mix: after,
			domain: { ...domain, steps: domain.steps + 1 },
			counts: { ...counts, steps: counts.steps + 1 },
		},
		pass.loss,
	];
};
