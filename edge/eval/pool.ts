import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, totalmem } from "node:os";
import { EdgeError } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import type { Follower } from "./evaluate.js";
import { type Plan, runOf, type Scope } from "./plan.js";
import type { Planned } from "./results/progress.js";
import type { Run, RunId } from "./results/run.js";

/** What a worker is to do: one showing of one plan, by their places, with some of the plan's methods. */
export interface Order {
	readonly scope: Scope;
	readonly plan: number;
	readonly showing: number;
	readonly methods: readonly string[];
}

/** What it says meanwhile. */
export type Told =
	| { readonly kind: "start"; readonly run: Planned }
	| { readonly kind: "seen"; readonly run: RunId; readonly frames: number }
	| { readonly kind: "done"; readonly run: Run }
	| { readonly kind: "free" }
	| { readonly kind: "failed"; readonly error: Failure };

/** An error on its way to another process. */
export interface Failure {
	readonly name: string;
	readonly message: string;
	readonly stack: string | undefined;
	/** Of an `EdgeError`. */
	readonly code: EdgeError["code"] | undefined;
}

const RESUME = "with --resume <file> it can go on with what is done";

/** Bytes that a process may take with models of ordinary size. */
const ROOM = 2 ** 30;

/** Processes that runs are made in: one for each core, as each computes with one thread, if there is room for them. */
export const processes = (): number => Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / ROOM)));

/**
 * Makes the runs that are not there yet, in several processes. Each run begins anew from its own seed, so that neither how
 * many processes there are nor who makes what changes a number.
 * @param has whether a run was made already
 */
export async function evaluateAll(
	scope: Scope,
	plans: readonly Plan[],
	has: (run: RunId) => boolean,
	follower: Follower,
	signal: AbortSignal,
): Promise<void> {
	const orders = plans.flatMap((plan, place) =>
		plan.showings.flatMap((showing, i): Order[] => {
			const open = plan.methods.filter((method) => !has(runOf(plan, showing, method)));
			return open.length > 0 ? [{ scope, plan: place, showing: i, methods: open.map(({ name }) => name) }] : [];
		}),
	);
	const queue = orders.values();
	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	const work = async () => {
		try {
			await workThrough(queue, follower, either);
		} catch (error) {
			stop.abort();
			throw error;
		}
	};
	const ends = await Promise.allSettled(Array.from({ length: Math.min(processes(), orders.length) }, work));
	for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Takes one order after the other and has them made by a process of its own. */
async function workThrough(queue: Iterator<Order>, follower: Follower, signal: AbortSignal): Promise<void> {
	const child = fork(new URL("./worker.js", import.meta.url), {
		serialization: "advanced",
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
	const ended = once(child, "exit");
	const leave = () => void (child.connected && child.disconnect());
	signal.addEventListener("abort", leave, { once: true });
	try {
		for (let next = queue.next(); !next.done && !signal.aborted; next = queue.next()) {
			await made(child, next.value, follower, signal);
		}
	} finally {
		signal.removeEventListener("abort", leave);
		leave();
		await ended;
	}
}

/** Resolves when the order was carried out, or the worker has left because it was told to. */
const made = (child: ChildProcess, order: Order, follower: Follower, signal: AbortSignal): Promise<void> =>
	new Promise((resolve, reject) => {
		// One after the other: a run is on the disk before the next is said to begin.
		let before: Promise<void> = Promise.resolve();
		const settle = (then: () => void) => {
			child.off("message", listen).off("exit", died).off("error", reject);
			before.then(then, reject);
		};
		const listen = (told: Told) => {
			if (told.kind === "free") settle(resolve);
			else if (told.kind === "failed") settle(() => reject(errorOf(told.error)));
			else before = before.then(() => follow(told, follower));
			before.catch(() => {});
		};
		const died = (code: number | null, cause: string | null) =>
			settle(() => {
				if (signal.aborted) resolve();
				else reject(new EdgeError("model", `a process of the evaluation ended with ${code ?? cause}; ${RESUME}`));
			});
		child.on("message", listen).on("exit", died).on("error", reject);
		child.send(order);
	});

async function follow(told: Exclude<Told, { kind: "free" | "failed" }>, follower: Follower): Promise<void> {
	if (told.kind === "start") follower.start(told.run);
	else if (told.kind === "seen") follower.seen(told.run, told.frames);
	else await follower.done(told.run);
}

const errorOf = ({ name, code, message, stack }: Failure): Error => {
	if (name === "Mistake") return new Mistake(message);
	return code === undefined ? Object.assign(new Error(message), { stack }) : new EdgeError(code, message);
};
