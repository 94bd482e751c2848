import { openModel } from "../../adapters/model.js";
import type { Frame, Model } from "../../operators/types.js";
import { argmax } from "../../operators/zoa/vector.js";
import { Mistake } from "../mistake.js";
import { occupied } from "./memory.js";
import type { Adapting, Method } from "./method.js";
import { type Plan, runOf } from "./plan.js";
import { openReel, type Reel } from "./reel.js";
import type { Planned } from "./results/progress.js";
import type { Run, RunId, Seen } from "./results/run.js";
import type { Shot, Showing } from "./showing.js";

/** Who follows the runs as they are made. */
export interface Follower {
	start(run: Planned): void;
	/** So many of its frames are done. */
	seen(run: RunId, frames: number): void;
	done(run: Run): void | Promise<void>;
}

/** One model, ready to be shown streams. */
export interface Stage {
	/** Makes a showing's frames once and shows them to each of the methods; what is not done when it is stopped is not told. */
	show(showing: Showing, methods: readonly Method[], follower: Follower, signal: AbortSignal): Promise<void>;
	close(): Promise<void>;
}

/** Milliseconds between two frames of a stream, for the clock that domains are dated by. */
const INTERVAL = 80;

/** Opens a plan's model, with one thread: with as many as there are, results would differ from machine to machine. */
export async function openStage(plan: Plan): Promise<Stage> {
	const model = await openModel(plan.bundle, { threads: 1 });
	return {
		async show(showing, methods, follower, signal) {
			const film = await developed(showing, plan, signal);
			try {
				for (const method of methods) {
					const id = runOf(plan, showing, method);
					follower.start(id);
					const run = film && (await play(method, model, film, showing, (frames) => follower.seen(id, frames), signal));
					if (!run) return;
					const { model: name, stream, seed } = id;
					const { labels } = plan.bundle.manifest;
					const { window } = showing;
					const { name: own, ablates } = method;
					await follower.done({ model: name, stream, method: own, seed, labels, window, ablates, ...run });
				}
			} finally {
				await film?.reel.close();
			}
		},
		close: () => model.close(),
	};
}

/** A stream's frames on disk, and what is known of them. */
interface Film {
	readonly reel: Reel;
	readonly facts: readonly Omit<Shot, "pixels">[];
}

/** Undefined when it was stopped in between. */
async function developed(
	{ shots }: Showing,
	{ bundle: { manifest } }: Plan,
	signal: AbortSignal,
): Promise<Film | undefined> {
	const reel = await openReel(3 * manifest.input.width * manifest.input.height);
	const facts: Omit<Shot, "pixels">[] = [];
	try {
		for await (const { pixels, ...fact } of shots()) {
			if (signal.aborted) break;
			await reel.push(pixels);
			facts.push(fact);
		}
	} catch (error) {
		await reel.close();
		throw error;
	}
	if (!signal.aborted) return { reel, facts };
	await reel.close();
	return undefined;
}

/** Shows the frames to a method that begins anew; undefined when it was stopped in between. */
async function play(
	method: Method,
	model: Model,
	film: Film,
	{ seed, window }: Showing,
	progress: (frames: number) => void,
	signal: AbortSignal,
): Promise<Pick<Run, "frames" | "seconds" | "heldBytes"> | undefined> {
	let adapting: Adapting | undefined = await method.open(model, { seed, window }).catch((error) => {
		throw error instanceof Mistake
			? new Mistake(`${method.name} cannot be used with this model: ${error.message}; leave it out with --methods`)
			: error;
	});
	const began = performance.now();
	let closed = false;
	try {
		const frames = await watch(adapting, film, progress, signal);
		if (!frames) return undefined;
		const seconds = (performance.now() - began) / 1e3;
		const before = await occupied();
		await adapting.close();
		closed = true;
		adapting = undefined;
		return { frames, seconds, heldBytes: Math.max(0, before - (await occupied())) };
	} finally {
		if (!closed) await adapting?.close();
	}
}

/** What the method answers to all of the frames, batch by batch, of those that have a label. */
async function watch(
	adapting: Adapting,
	{ reel, facts }: Film,
	progress: (frames: number) => void,
	signal: AbortSignal,
): Promise<Seen[] | undefined> {
	const seen: Seen[] = [];
	let changed: boolean | undefined;
	for (let at = 0; at < reel.length; at += adapting.batch) {
		if (signal.aborted) return undefined;
		const batch = (await reel.read(at, adapting.batch)).map((pixels, i) => frameOf(pixels, at + i));
		const started = performance.now();
		const answer = await adapting.step(batch);
		const milliseconds = (performance.now() - started) / batch.length;
		// A change that was seen where no frame has a label is told with the next that has one.
		changed = answer.changed === undefined ? undefined : changed || answer.changed;
		const before = seen.length;
		for (const [i, { label, domain, visit, round }] of facts.slice(at, at + batch.length).entries()) {
			if (label === undefined) continue;
			const predicted = argmax(answer.probabilities[i]);
			seen.push({
				domain,
				visit,
				label,
				predicted,
				confidence: answer.probabilities[i][predicted],
				correct: predicted === label,
				passes: answer.passes / batch.length,
				milliseconds,
				believed: answer.domain,
				changed,
				bankBytes: answer.bankBytes,
				round,
			});
		}
		if (seen.length > before) changed = false;
		progress(seen.length);
	}
	return seen;
}

const frameOf = (pixels: Uint8Array, index: number): Frame => ({ pixels, index, capturedAt: index * INTERVAL });
