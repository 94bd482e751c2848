import { type Interval, isTelling, pooledDifference, verdict } from "./bootstrap.js";
import { grouped, mean } from "./metrics.js";
import { between, fixed, percent, points, ranged } from "./numbers.js";
import { type Spread, type Studied, type Study, spread } from "./study.js";

/** A table before it is known where it is shown. */
export interface Grid {
	/** The first column names the rows. */
	readonly head: readonly string[];
	readonly rows: readonly (readonly string[])[];
	/** Columns at the end that stay together. */
	readonly together: number;
}

interface Column {
	readonly title: string;
	cell(studied: Studied): string;
}

/** Accuracy in percent: a row each method, a column each domain, then the mean and how it compares with doing nothing. */
export const accuracyGrid = ({ domains, methods }: Study): Grid => {
	const closing: Column[] = [
		{ title: "mean", cell: ({ totals }) => ranged(spread(totals.map(({ accuracy }) => accuracy)), percent) },
		{ title: "to none", cell: ({ against }) => (against ? marked(points(against.mean.difference), against.mean) : "") },
		{ title: "95 % interval", cell: ({ against }) => (against ? between(against.mean) : "") },
		{ title: "worst to none", cell: worstCell },
		{ title: "passes/frame", cell: ({ totals }) => ranged(spread(totals.map((row) => row.passesPerFrame)), two) },
	];
	const columns = domains.map(
		(domain): Column => ({
			title: domain,
			cell: (own) =>
				marked(
					ranged(spread((own.domains.get(domain) ?? []).map(({ accuracy }) => accuracy)), percent),
					own.against?.domains.get(domain),
				),
		}),
	);
	return gridOf(methods, [...columns, ...closing.filter(isFilled(methods))], closing.filter(isFilled(methods)).length);
};

/** How the methods behave over time: after changes, when a domain returns, in the end; calibration and detecting. */
export const behaviourGrid = ({ methods }: Study): Grid => {
	const total = (
		title: string,
		value: (row: Studied["totals"][number]) => number | undefined,
		show = points,
		half = show === points ? percent : show,
	) => ({ title, cell: ({ totals }: Studied) => ranged(spread(totals.map(value)), show, half) });
	return gridOf(
		methods,
		[
			total("after a change", (row) => row.afterChange),
			total("later visits", (row) => row.laterVisits),
			total("last to first", (row) => row.lastAgainstFirst),
			total("calibration error", (row) => row.calibrationError, percent),
			{ title: "changes seen", cell: seenCell },
			total("delay, frames", (row) => row.changes?.delay, one),
			total("false alarms/1000", (row) => row.falseAlarmsPerThousand, one),
			total("bank, KiB", (row) => row.bankBytes && row.bankBytes / 1024, one),
		].filter(isFilled(methods)),
	);
};

/**
 * How far from their steady state methods are when they should have settled after changes that they saw, pooled over one
 * model's streams: a row each method that saw some.
 */
export const settlingGrid = (studies: readonly Study[]): Grid => {
	const pooled = grouped(
		studies.flatMap(({ methods }) =>
			methods.flatMap(({ method, settlings }) => settlings.map((one) => ({ method, ...one }))),
		),
		({ method }) => method,
	);
	return {
		head: ["method", "a window later", "95 % interval", "changes"],
		rows: [...pooled].map(([method, own]) => {
			const interval = pooledDifference(own);
			return [method, points(interval.difference), isTelling(interval) ? between(interval) : "", `${interval.count}`];
		}),
		together: 3,
	};
};

/** What the methods take on the machine they ran on; differs from run to run. */
export const costGrid = ({ methods }: Study): Grid => {
	const cost = (title: string, value: (row: Studied["costs"][number]) => number) => ({
		title,
		cell: ({ costs }: Studied) => ranged(spread(costs.map(value)), one),
	});
	return gridOf(methods, [
		cost("p50, ms/frame", (row) => row.milliseconds.p50),
		cost("p95, ms/frame", (row) => row.milliseconds.p95),
		cost("seconds", (row) => row.seconds),
		cost("held, MiB", (row) => row.heldBytes / 2 ** 20),
	]);
};

/** One model on all its streams: the mean accuracy of each method, a column each stream. */
export const overviewGrid = (studies: readonly Study[]): Grid => {
	const names = [...new Set(studies.flatMap(({ methods }) => methods.map(({ method }) => method)))];
	const find = (study: Study, name: string) => study.methods.find(({ method }) => method === name);
	const worst = (name: string) =>
		lowest(
			studies.flatMap((study) =>
				[...(find(study, name)?.against?.domains ?? [])].map(([domain, interval]) => ({
					where: `${domain}, ${study.stream}`,
					interval,
				})),
			),
		);
	return {
		head: ["method", ...studies.map(({ stream }) => stream), "to none", "worst to none"],
		rows: names.map((name) => {
			const gains = studies.flatMap((study) => find(study, name)?.against?.mean.difference ?? []);
			return [
				name,
				...studies.map((study) => {
					const own = find(study, name);
					return own ? marked(ranged(spread(own.totals.map((row) => row.accuracy)), percent), own.against?.mean) : "";
				}),
				gains.length > 0 ? points(mean(gains)) : "",
				worst(name),
			];
		}),
		together: 2,
	};
};

/** What the marks in the tables of accuracy mean. */
export const LEGEND =
	"Accuracy in %. ▲ above and ▼ below doing nothing by more than the 95 % interval of a paired bootstrap; ± half the range over seeds.";

export const titleOf = ({ model, stream, seeds, methods: [{ runs }] }: Study): string => {
	const frames = spread(runs.map((run) => run.frames.length)) as Spread;
	return `${model}, ${stream}: ${Math.round(frames.mean)} frames, ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}`;
};

export const byModel = (studies: readonly Study[]): Study[][] =>
	[...new Set(studies.map(({ model }) => model))].map((model) => studies.filter((study) => study.model === model));

const isFilled =
	(methods: readonly Studied[]) =>
	({ cell }: Column): boolean =>
		methods.some((studied) => cell(studied) !== "");

const gridOf = (methods: readonly Studied[], columns: readonly Column[], together = 0): Grid => ({
	head: ["method", ...columns.map(({ title }) => title)],
	rows: methods.map((studied) => [studied.method, ...columns.map(({ cell }) => cell(studied))]),
	together,
});

/** With a mark where the interval lies on one side of nothing. */
export const marked = (text: string, interval: Interval | undefined): string =>
	interval === undefined ? text : `${text}${{ "1": " ▲", "0": "", "-1": " ▼" }[verdict(interval)]}`;

const worstCell = ({ against }: Studied): string =>
	lowest([...(against?.domains ?? [])].map(([where, interval]) => ({ where, interval })));

const lowest = (all: readonly { readonly where: string; readonly interval: Interval }[]): string => {
	if (all.length === 0) return "";
	const { where, interval } = all.reduce((a, b) => (b.interval.difference < a.interval.difference ? b : a));
	return `${marked(points(interval.difference), interval)} ${where}`;
};

const seenCell = ({ totals }: Studied): string => {
	const known = totals.flatMap(({ changes }) => changes ?? []);
	if (known.length === 0) return "";
	const count = known.reduce((sum, changes) => sum + changes.count, 0);
	return `${count - known.reduce((sum, { missed }) => sum + missed, 0)} of ${count}`;
};

const one = (value: number) => fixed(value, 1);
const two = (value: number) => fixed(value, 2);
