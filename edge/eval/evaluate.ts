import { openModel } from "../../adapters/model.js";
import type { Bundle, Frame, Model } from "../../operators/types.js";
import { argmax } from "../../operators/zoa/vector.js";
import { Mistake } from "../mistake.js";
import { defaultThreads } from "../settings.js";
import type { Data } from "./data.js";
import { footage, type Shot } from "./footage.js";
import type { Method } from "./method.js";
import type { Journal } from "./results/journal.js";
import type { Planned, Progress } from "./results/progress.js";
import type { Run, Seen } from "./results/run.js";
import type { Segment, Stream } from "./streams.js";

/** All runs of one model: every stream and seed with every method that can be used with it. */
export interface Plan {
	readonly bundle: Bundle;
	/** As in tables. */
	readonly model: string;
	readonly data: Data;
	readonly showings: readonly Showing[];
	readonly methods: readonly Method[];
}

/** One stream with one seed. */
export interface Showing {
	readonly stream: Stream;
	readonly seed: number;
	readonly segments: readonly Segment[];
}

/** Milliseconds between two frames of a stream, for the clock that domains are dated by. */
const INTERVAL = 80;

export const planned = ({ model, showings, methods }: Plan): Planned[] =>
	showings.flatMap(({ stream, seed, segments }) =>
		methods.map((method) => ({
			model,
			stream: stream.name,
			method: method.name,
			seed,
			frames: segments.reduce((sum, { pictures }) => sum + pictures.length, 0),
		})),
	);

/** Makes the runs that the journal does not have yet; each stream's frames are made once and shown to every method. */
export async function evaluate(plan: Plan, journal: Journal, progress: Progress, signal: AbortSignal): Promise<void> {
	const { bundle, data, showings, methods } = plan;
	const model = await openModel(bundle, { threads: defaultThreads() });
	try {
		for (const { stream, seed, segments } of showings) {
			const open = methods.filter(
				({ name }) => !journal.has({ model: plan.model, stream: stream.name, method: name, seed }),
			);
			if (open.length === 0) continue;
			const shots: Shot[] = [];
			for await (const shot of footage(stream, segments, data, bundle.manifest.input, seed)) {
				shots.push(shot);
				if (signal.aborted) return;
			}
			for (const method of open) {
				const id = { model: plan.model, stream: stream.name, method: method.name, seed };
				progress.start({ ...id, frames: shots.length });
				const run = await play(method, model, shots, seed, progress, signal);
				if (!run) return;
				const whole = { ...id, labels: bundle.manifest.labels, ...run };
				await journal.add(whole);
				progress.done(whole);
			}
		}
	} finally {
		await model.close();
	}
}

/** Shows the frames to a method that begins anew; undefined when it was stopped in between. */
async function play(
	method: Method,
	model: Model,
	shots: readonly Shot[],
	seed: number,
	progress: Progress,
	signal: AbortSignal,
): Promise<Pick<Run, "frames" | "seconds" | "residentBytes"> | undefined> {
	const adapting = await method.open(model, seed).catch((error) => {
		throw error instanceof Mistake
			? new Mistake(`${method.name} cannot be used with this model: ${error.message}; leave it out with --methods`)
			: error;
	});
	const seen: Seen[] = [];
	const began = performance.now();
	try {
		for (let at = 0; at < shots.length; at += method.batch) {
			if (signal.aborted) return undefined;
			const batch = shots.slice(at, at + method.batch);
			const started = performance.now();
			const answer = await adapting.step(batch.map(({ pixels }, i) => frameOf(pixels, at + i)));
			const milliseconds = (performance.now() - started) / batch.length;
			const { domain, changed, bankBytes } = answer;
			for (const [i, { label, domain: under, visit, round }] of batch.entries()) {
				const probabilities = answer.probabilities[i];
				const predicted = argmax(probabilities);
				seen.push({
					domain: under,
					visit,
					label,
					predicted,
					confidence: probabilities[predicted],
					correct: predicted === label,
					passes: answer.passes / batch.length,
					milliseconds,
					believed: domain,
					changed,
					bankBytes,
					round,
				});
			}
			progress.seen(seen.length);
		}
	} finally {
		await adapting.close();
	}
	const seconds = (performance.now() - began) / 1e3;
	return { frames: seen, seconds, residentBytes: process.memoryUsage.rss() };
}

const frameOf = (pixels: Uint8Array, index: number): Frame => ({ pixels, index, capturedAt: index * INTERVAL });
