import { differences, type Interval } from "./bootstrap.js";
import { byDomain, grouped, mean } from "./metrics.js";
import { type CostRow, costRow, type DomainRow, domainRows, type RunRow, runRow } from "./rows.js";
import { counterpart, NONE, type Run } from "./run.js";

/** All that was run of one model on one stream. */
export interface Study {
	readonly model: string;
	readonly stream: string;
	/** In the order in which the stream shows them. */
	readonly domains: readonly string[];
	readonly seeds: readonly number[];
	/** `none` first. */
	readonly methods: readonly Studied[];
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
	/** To doing nothing, pooled over the seeds that have both; undefined for `none` itself and where it was not run. */
	readonly against: { readonly domains: ReadonlyMap<string, Interval>; readonly mean: Interval } | undefined;
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

/** The runs by model and stream, in the order of their first runs; the same runs in another order give the same numbers. */
export const studies = (runs: readonly Run[]): Study[] =>
	[...grouped(runs, ({ model, stream }) => JSON.stringify([model, stream])).values()].map((own) => {
		const sorted = [...own].sort((a, b) => a.seed - b.seed);
		const methods = grouped(sorted, ({ method }) => method);
		return {
			model: own[0].model,
			stream: own[0].stream,
			domains: [...byDomain(sorted.flatMap(({ frames }) => frames)).keys()],
			seeds: [...new Set(sorted.map(({ seed }) => seed))],
			methods: inOrder([...grouped(own, ({ method }) => method).keys()]).map((method) =>
				studied(method, methods.get(method) as Run[], own),
			),
		};
	});

const inOrder = (methods: readonly string[]) => [
	...methods.filter((method) => method === NONE),
	...methods.filter((method) => method !== NONE),
];

const studied = (method: string, runs: readonly Run[], all: readonly Run[]): Studied => {
	const nothing = runs.map((run) => counterpart(run, all));
	const pairs = runs.flatMap(({ frames }, i) => {
		const other = nothing[i];
		return other ? [[frames, other.frames] as const] : [];
	});
	return {
		method,
		runs,
		totals: runs.map((run, i) => runRow(run, nothing[i])),
		costs: runs.map(costRow),
		domains: grouped(
			runs.flatMap((run, i) => domainRows(run, nothing[i])),
			({ domain }) => domain,
		),
		against: pairs.length > 0 ? differences(pairs) : undefined,
	};
};
