import { concatMap, type OperatorFunction } from "rxjs";
import type { Adapted, Knowledge, Outlet } from "./types.js";
import { affinePart, smoothingOf } from "./zoa/smoothing.js";
import { equal, isZero } from "./zoa/vector.js";

/** At most one adaptation state in this many milliseconds of the camera's time, changes of domain apart. */
const INTERVAL = 5_000;

/** Publishes the domain at the start and on change, and the adaptation's state now and then; both are retained. */
export const announce = (outlet: Outlet): OperatorFunction<Adapted, Adapted> => {
	let last: { at: number; knowledge: Knowledge } | undefined;
	let loss: number | undefined;
	return concatMap(async (step) => {
		const { domainEvent, knowledge, frames } = step;
		const at = frames[frames.length - 1].capturedAt;
		loss = step.loss ?? loss;
		if (!last || domainEvent) await outlet.publish("domain", domainPayload(step));
		if (!last || domainEvent || at - last.at >= INTERVAL) {
			const state = domainEvent || (last && hasMoved(last.knowledge, knowledge)) ? "learning" : "holding";
			last = { at, knowledge };
			await outlet.publish("adaptation", adaptationPayload(knowledge, state, loss));
		}
		return step;
	});
};

/** Whether θ has moved since the state that was published last. */
const hasMoved = (before: Knowledge, after: Knowledge) =>
	before.counts.steps !== after.counts.steps || !equal(before.alignment, after.alignment);

export const domainPayload = ({ knowledge: { domain }, score }: Pick<Adapted, "knowledge" | "score">) => ({
	id: domain.id,
	name: domain.name,
	since: new Date(domain.since).toISOString(),
	visits: domain.visits,
	status: domain.status,
	score: score ?? null,
	distance: domain.distance ?? null,
});

export const adaptationPayload = (knowledge: Knowledge, state: string, loss: number | undefined) => ({
	state,
	domain: knowledge.domain.id,
	steps: knowledge.counts.steps,
	droppedSteps: knowledge.counts.droppedSteps,
	loss: loss ?? null,
	aligned: !isZero(affinePart(knowledge.alignment)),
	smoothing: smoothingOf(knowledge.alignment),
	...(knowledge.gain !== undefined && { gain: knowledge.gain }),
});
