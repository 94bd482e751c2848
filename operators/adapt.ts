import { identity, map, type OperatorFunction, pipe } from "rxjs";
import { align } from "./align.js";
import { refine } from "./refine.js";
import type { Learning } from "./settings.js";
import type { Adapted, Camera, Model, Recalled } from "./types.js";
import { followedShift, PUBLISHED_SHIFT_WEIGHT } from "./zoa/shift.js";
import { columnStatistics, rows } from "./zoa/vector.js";

/** Learns from the round: closed-form alignment first, zeroth-order steps on what it leaves, the activation shift. */
export const adapt = (model: Model, camera: Camera, settings: Learning): OperatorFunction<Recalled, Adapted> =>
	pipe(
		settings.align && !settings.published ? align(model.bundle, settings) : identity,
		refine(model, camera, settings),
		followShift(settings),
	);

/** Keeps the running mean of the classifier's input. */
const followShift = ({ published }: Learning): OperatorFunction<Adapted, Adapted> =>
	map((step) => {
		const { activations, knowledge } = step;
		const { mean } = columnStatistics(rows(activations.features, activations.features.length / activations.frames));
		const weight = PUBLISHED_SHIFT_WEIGHT;
		return {
			...step,
			knowledge: { ...knowledge, shift: published ? followedShift(knowledge.shift, mean, weight) : undefined },
		};
	});
