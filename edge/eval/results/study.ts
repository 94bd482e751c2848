import { differences, type Interval } from "./bootstrap.js";
import { byDomain, grouped, mean } from "./metrics.js";
import { type CostRow, costRow, type DomainRow, domainRows, type RunRow, runRow } from "./rows.js";
import { counterpart, NONE, type Run } from "./run.js";
import { type Settling, settlings } from "./settling.js";

/** All that was run of one model on one stream. */
export interface Study {
	readonly model: string;
	readonly stream: string;
	/** In the order in which the stream shows them. */
	readonly domains: readonly string[];
	readonly seeds: readonly number[];
	/** `none` first. */
	readonly methods: readonly Studied[];
	/** Methods that lack a part of one of these, each compared with that one instead of with doing nothing. */
	readonly ablations: readonly Studied[];
}

/** One method, over all seeds. */
export interface Studied {
	readonly method: string;
	readonly runs: readonly Run[];
	/** One of each run. */
	readonly totals: readonly RunRow[];
	readonly costs: readonly CostRow[];
	/** One of each run that had the domain. */
	readonly domains: ReadonlyMap<string, readonly DomainRow[]>;
	/**
	 * To doing nothing, or of a method that lacks a part to the whole, pooled over the seeds that have both; undefined for
	 * `none` itself and where the other was not run.
	 */
	readonly against: Differences | undefined;
	/** Of all runs that have one of doing nothing beside them. */
	readonly settlings: readonly Settling[];
}

export interface Differences {
	readonly domains: ReadonlyMap<string, Interval>;
	readonly mean: Interval;
}

/** A value over seeds: its mean, and how far the seeds lie apart. */
export interface Spread {
	readonly mean: number;
	/** Half the range. */
	readonly half: number;
	readonly count: number;
}

/** Undefined where no seed has a value. */
export const spread = (values: readonly (number | undefined)[]): Spread | undefined => {
	const known = values.filter((value) => value !== undefined);
	if (known.length === 0) return undefined;
	return { mean: mean(known), half: (Math.max(...known) - Math.min(...known)) / 2, count: known.length };
};

/** The runs by model and stream, but for streams with nothing but parts so far, in the order of their first runs; the same runs in another order give the same numbers. */
export const studies = (runs: readonly Run[]): Study[] =>
	[...grouped(runs, ({ model, stream }) => JSON.stringify([model, stream])).values()]
		.filter((own) => own.some(({ ablates }) => ablates === undefined))
		.map((own) => {
			const sorted = [...own].sort((a, b) => a.seed - b.seed);
			const methods = grouped(sorted, ({ method }) => method);
			const all = inOrder([...grouped(own, ({ method }) => method).keys()]).map(
				(method) => methods.get(method) as Run[],
			);
			const isAblation = ([{ ablates }]: readonly Run[]) => ablates !== undefined;
			return {
				model: own[0].model,
				stream: own[0].stream,
				domains: [...byDomain(sorted.flatMap(({ frames }) => frames)).keys()],
				seeds: [...new Set(sorted.map(({ seed }) => seed))],
				methods: all.filter((runs) => !isAblation(runs)).map((runs) => studied(runs, own)),
				ablations: all.filter(isAblation).map((runs) => studied(runs, own)),
			};
		});

const inOrder = (methods: readonly string[]) => [
	...methods.filter((method) => method === NONE),
	...methods.filter((method) => method !== NONE),
];

const studied = (runs: readonly Run[], all: readonly Run[]): Studied => {
	const nothing = runs.map((run) => counterpart(run, all));
	const [{ method, ablates }] = runs;
	return {
		method,
		runs,
		totals: runs.map((run, i) => runRow(run, nothing[i])),
		costs: runs.map(costRow),
		domains: grouped(
			runs.flatMap((run, i) => domainRows(run, nothing[i])),
			({ domain }) => domain,
		),
		against: compared(runs, (run) => counterpart(run, all, ablates)),
		settlings: runs.flatMap((run, i) => settlings(run, nothing[i])),
	};
};

/** Runs with others on the same frames, pooled over those that have one. */
const compared = (runs: readonly Run[], other: (run: Run) => Run | undefined): Differences | undefined => {
	const pairs = runs.flatMap((run) => {
		const frames = other(run)?.frames;
		return frames ? [[run.frames, frames] as const] : [];
	});
	return pairs.length > 0 ? differences(pairs) : undefined;
};

/** A method on the same frames with learning steps of two sizes. */
export interface Windows {
	readonly small: Studied;
	readonly usual: Studied;
	/** Of the small window to the usual one. */
	readonly difference: Differences;
}

/** What a stream's window does, by method: one model's studies that show the same frames with a small and the usual window. */
export const windowsOf = (small: Study, usual: Study): Windows[] =>
	small.methods.flatMap((own) => {
		const other = usual.methods.find(({ method }) => method === own.method);
		const difference = other && compared(own.runs, ({ seed }) => other.runs.find((run) => run.seed === seed));
		return other && difference ? [{ small: own, usual: other, difference }] : [];
	});
