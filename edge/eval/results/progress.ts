import { passesPerFrame } from "./metrics.js";
import { keyOf, type Run, type RunId } from "./run.js";

/** A run that is to be made, of so many frames. */
export interface Planned extends RunId {
	readonly frames: number;
}

/** Milliseconds between two lines where the output is not a terminal, and where it is. */
const LINE_EVERY = 30_000;
const TERMINAL_EVERY = 200;

/** Who follows an evaluation; several runs may be made at a time. */
export interface Progress {
	/** The run that begins now. */
	start(run: RunId): void;
	/** So many of a run's frames are done. */
	seen(run: RunId, frames: number): void;
	/** A run is done, or was found in the journal; it tells how long those to come will take. */
	done(run: Run): void;
	/** Leaves the terminal as it was. */
	end(): void;
}

/** What of a terminal is needed. */
export interface Output {
	readonly isTTY?: boolean;
	write(text: string): unknown;
}

const silent: Progress = { start() {}, seen() {}, done() {}, end() {} };

/** A line that follows the runs: how many are done, which is being made, and how long is left. Says nothing with `json`. */
export const openProgress = (
	output: Output,
	planned: readonly Planned[],
	{
		json = false,
		atATime = 1,
		now = () => performance.now(),
	}: { readonly json?: boolean | undefined; readonly atATime?: number; readonly now?: () => number } = {},
): Progress => {
	if (json) return silent;
	const started = now();
	const byKey = new Map(planned.map((run) => [keyOf(run), run]));
	const made: Made[] = [];
	const open = new Map(planned.map((run) => [run, run.frames]));
	let current: Planned | undefined;
	let shown = Number.NEGATIVE_INFINITY;
	const line = () =>
		[
			`${planned.length - open.size}/${planned.length} runs`,
			...(current ? [`${current.model}, ${current.stream}, ${current.method}, seed ${current.seed}`] : []),
			duration((now() - started) / 1e3),
			...left(made, open, atATime),
		].join("  ");
	const show = () => {
		if (now() - shown < (output.isTTY ? TERMINAL_EVERY : LINE_EVERY)) return;
		shown = now();
		output.write(output.isTTY ? `\r\x1b[K${line()}` : `${line()}\n`);
	};
	const find = (id: RunId) => byKey.get(keyOf(id));
	return {
		start(run) {
			current = find(run);
			show();
		},
		seen(id, frames) {
			const own = find(id);
			if (own) open.set(own, Math.max(own.frames - frames, 0));
			show();
		},
		done(run) {
			made.push(madeOf(run));
			const own = find(run);
			if (own) open.delete(own);
			if (own === current) current = undefined;
			show();
		},
		end: () => void (output.isTTY && output.write("\r\x1b[K")),
	};
};

const left = (made: readonly Made[], open: ReadonlyMap<Planned, number>, atATime: number): string[] => {
	const seconds = secondsLeft(
		made,
		[...open].map(([run, frames]) => ({ ...run, frames })),
	);
	return seconds === undefined ? [] : [`about ${duration(seconds / atATime)} left`];
};

/** What a run that was made says about those to come. */
export interface Made extends Planned {
	/** In all. */
	readonly passes: number;
	readonly seconds: number;
}

const madeOf = ({ model, stream, method, seed, frames, seconds }: Run): Made => ({
	...{ model, stream, method, seed, seconds },
	frames: frames.length,
	passes: passesPerFrame(frames) * frames.length,
});

/**
 * How long the runs to come will take by those that were made: frames × the method's passes × the seconds of a pass.
 * Of a method that was not run yet the passes are taken to be as many as the others'. Undefined before anything was made.
 */
export const secondsLeft = (made: readonly Made[], open: readonly Planned[]): number | undefined => {
	if (made.length === 0) return undefined;
	const sum = (runs: readonly Made[], value: (run: Made) => number) =>
		runs.reduce((total, run) => total + value(run), 0);
	/** Those that are most like it, of which there are any. */
	const like = (...tests: readonly ((run: Made) => boolean)[]) =>
		tests.map((test) => made.filter(test)).find(({ length }) => length > 0) ?? made;
	return open.reduce((total, { model, method, frames }) => {
		const ofMethod = like((run) => run.method === method);
		const alike = like(
			(run) => run.method === method && run.model === model,
			(run) => run.model === model,
			(run) => run.method === method,
		);
		const passes = sum(ofMethod, (run) => run.passes) / sum(ofMethod, (run) => run.frames);
		return total + frames * passes * (sum(alike, (run) => run.seconds) / sum(alike, (run) => run.passes));
	}, 0);
};

/** "8 s", "3 min", "2 h 05 min". */
const duration = (seconds: number): string => {
	if (seconds < 60) return `${Math.round(seconds)} s`;
	const minutes = Math.round(seconds / 60);
	return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
};
