import { concatMap, type OperatorFunction } from "rxjs";
import { packed } from "./batch.js";
import { forward, sourceTheta } from "./forward.js";
import { affineOf } from "./knowledge.js";
import type { Learning } from "./settings.js";
import type { Adapted, Bundle, Camera, Knowledge, Model, Recalled } from "./types.js";
import { advanced, closed, extended, isFull, settled } from "./window.js";
import { perturbed } from "./zoa/spsa.js";
import { minus, norm } from "./zoa/vector.js";

/**
 * Zeroth-order steps. A window is made of frames that one θ predicted, so the first of ZOA's two passes is the
 * inference that had to be done anyway; the second goes over the window's frames in small batches between the live
 * ones, and θ moves at the next window's end. A window of one batch is done within its round, as published.
 */
export const refine = (model: Model, camera: Camera, learning: Learning): OperatorFunction<Recalled, Adapted> => {
	const { bundle } = model;
	const pass = async (knowledge: Knowledge): Promise<Knowledge> => {
		const { pass } = knowledge;
		if (!pass?.todo.length) return knowledge;
		const affine = affineOf(knowledge, sourceTheta(bundle), perturbed(pass.mix, pass.draws, learning.step));
		const activations = await forward(model, packed(pass.todo[0]), affine);
		return advanced(knowledge, pass, activations, bundle, learning);
	};
	return concatMap(async ({ knowledge: before, ...round }) => {
		let knowledge = belongs(before, round, bundle) ? extended(before, round) : before;
		let loss: number | undefined;
		if (isFull(knowledge, learning)) {
			[knowledge, loss] = settled(knowledge, bundle, learning);
			knowledge = closed(knowledge, before.mix, bundle, learning);
		}
		if (!isBehind(camera, round.frames.length)) knowledge = await pass(knowledge);
		if (knowledge.window.length === 0 && loss === undefined) [knowledge, loss] = settled(knowledge, bundle, learning);
		return { ...round, knowledge, loss };
	});
};

/** Whether the batch was predicted with the θ that the window it would join is about. */
const belongs = (knowledge: Knowledge, { affines, verdict }: Omit<Recalled, "knowledge">, bundle: Bundle): boolean => {
	if (verdict === "odd") return false;
	const present = affineOf(knowledge, sourceTheta(bundle));
	return [...new Set(affines)].every((affine) => norm(minus(present, affine)) <= SAME * norm(affine));
};

/** Relative difference of two θ that come of rounding alone, as when a snapshot rebases ε. */
const SAME = 1e-6;

/** From a live source a perturbed batch is let in only when no live batch waits, so it delays one at most. */
const isBehind = (camera: Camera, batch: number) => camera.live && camera.waiting >= batch;
