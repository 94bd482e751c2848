/** A process of its own that makes runs for another one: see pool.ts. */

import { EdgeError } from "../../operators/types.js";
import { openStage, type Stage } from "./evaluate.js";
import { closeAll, type Plan, plansFor } from "./plan.js";
import type { Order, Told } from "./pool.js";

const stop = new AbortController();
/** What is being made, so that everything is said and closed before the end. */
let work: Promise<void> = Promise.resolve();
let plans: Promise<readonly Plan[]> | undefined;
const stages = new Map<Plan, Promise<Stage>>();

const tell = (told: Told) => new Promise<void>((sent) => process.send?.(told, undefined, undefined, () => sent()));

process.on("message", (order: Order) => {
	work = work.then(() => follow(order)).catch(tellOf);
});
// Who started this one has gone, or wants no more of it.
process.once("disconnect", async () => {
	stop.abort();
	await work;
	for (const stage of stages.values()) await (await stage).close();
	await closeAll((await plans?.catch(() => [])) ?? []);
});
// A key typed in a terminal reaches all of its processes; the one that started this one says what follows from it.
process.on("SIGINT", () => {});

async function follow({ scope, plan: place, showing, methods }: Order): Promise<void> {
	plans ??= plansFor(scope);
	const plan = (await plans)[place];
	if (!stages.has(plan)) stages.set(plan, openStage(plan));
	const stage = (await stages.get(plan)) as Stage;
	const wanted = plan.methods.filter(({ name }) => methods.includes(name));
	await stage.show(
		plan.showings[showing],
		wanted,
		{
			start: (run) => void tell({ kind: "start", run }),
			seen: (run, frames) => void tell({ kind: "seen", run, frames }),
			done: (run) => tell({ kind: "done", run }),
		},
		stop.signal,
	);
	await tell({ kind: "free" });
}

const tellOf = (error: Error) => {
	const { name, message, stack } = error;
	return tell({
		kind: "failed",
		error: { name, message, stack, code: error instanceof EdgeError ? error.code : undefined },
	});
};
