import { concatMap, type OperatorFunction } from "rxjs";
import type { Adapted, Knowledge, Outlet } from "./types.js";

/** At most one adaptation state in this many milliseconds of the camera's time, changes of state apart. */
const INTERVAL = 5_000;

/** Publishes domain changes at once and the adaptation's state now and then; both are retained. */
export const announce = (outlet: Outlet): OperatorFunction<Adapted, Adapted> => {
	let last: { state: string; at: number } | undefined;
	return concatMap(async (step) => {
		if (step.domainEvent) await outlet.publish("domain", domainPayload(step));
		const at = step.frames[step.frames.length - 1].capturedAt;
		const state = stateOf(step.knowledge);
		if (!last || last.state !== state || at - last.at >= INTERVAL) {
			last = { state, at };
			await outlet.publish("adaptation", adaptationPayload(step, state));
		}
		return step;
	});
};

/** Learning while the domain is new to the model or a pass is under way, holding otherwise. */
const stateOf = ({ domain, pass, alignment }: Knowledge) =>
	domain.status === "looking" || pass || alignment.some((a) => a !== 0) ? "learning" : "holding";

const domainPayload = ({ knowledge: { domain }, score }: Adapted) => ({
	id: domain.id,
	name: domain.name,
	since: new Date(domain.since).toISOString(),
	visits: domain.visits,
	status: domain.status,
	score: score ?? null,
	distance: domain.distance ?? null,
});

const adaptationPayload = ({ knowledge, loss }: Adapted, state: string) => ({
	state,
	domain: knowledge.domain.id,
	steps: knowledge.counts.steps,
	droppedSteps: knowledge.counts.droppedSteps,
	loss: loss ?? null,
	aligned: knowledge.alignment.some((a) => a !== 0),
});
