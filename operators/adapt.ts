import { identity, map, type OperatorFunction, pipe } from "rxjs";
import { align } from "./align.js";
import { refine } from "./refine.js";
import type { Learning } from "./settings.js";
import { tune } from "./tune.js";
import type { Adapted, Camera, Model, Recalled } from "./types.js";
import { followedShift, PUBLISHED_SHIFT_WEIGHT } from "./zoa/shift.js";
import { columnStatistics, rows } from "./zoa/vector.js";

/**
 * Learns from the round: closed-form alignment first, then zeroth-order steps on what it leaves. Without alignment the
 * published activation shift stands in for it; beside alignment it would only follow the classes in view.
 */
export const adapt = (model: Model, camera: Camera, learning: Learning): OperatorFunction<Recalled, Adapted> => {
	const { published } = learning;
	const alignment = learning.align && !published;
	return pipe(
		alignment ? aligning(model, camera, learning) : identity,
		learning.refine ? refine(model, camera, learning) : unrefined,
		published || !alignment ? followShift(learning) : identity,
	);
};

const aligning = (model: Model, camera: Camera, learning: Learning): OperatorFunction<Recalled, Recalled> =>
	learning.sweep ? tune(model, camera, learning.sweep, learning.nearness) : align(model.bundle, learning);

const unrefined: OperatorFunction<Recalled, Adapted> = map((step) => ({ ...step, loss: undefined }));

/** Keeps the running mean of the classifier's input; ours forgets per frame what the published one does per batch. */
const followShift = ({ published, window }: Learning): OperatorFunction<Adapted, Adapted> =>
	map((step) => {
		const { activations, knowledge, frames } = step;
		const { mean } = columnStatistics(rows(activations.features, activations.features.length / activations.frames));
		const weight = published ? PUBLISHED_SHIFT_WEIGHT : 1 - (1 - PUBLISHED_SHIFT_WEIGHT) ** (frames.length / window);
		return { ...step, knowledge: { ...knowledge, shift: followedShift(knowledge.shift, mean, weight) } };
	});
