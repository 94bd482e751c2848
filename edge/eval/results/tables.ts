import { table } from "../../table.js";
import { type Interval, verdict } from "./bootstrap.js";
import { mean } from "./metrics.js";
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

const GAP = 2;

// ---------------------------------------------------------------- what the tables hold

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
		cost("resident, MiB", (row) => row.residentBytes / 2 ** 20),
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

const isFilled =
	(methods: readonly Studied[]) =>
	({ cell }: Column): boolean =>
		methods.some((studied) => cell(studied) !== "");

const gridOf = (methods: readonly Studied[], columns: readonly Column[], together = 0): Grid => ({
	head: ["method", ...columns.map(({ title }) => title)],
	rows: methods.map((studied) => [studied.method, ...columns.map(({ cell }) => cell(studied))]),
	together,
});

const marked = (text: string, interval: Interval | undefined): string =>
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

// ---------------------------------------------------------------- for a terminal

/** The tables of accuracy and behaviour, model by model; the same runs give the same text to the last digit. */
export const terminalTables = (studies: readonly Study[], width = 120): string =>
	byModel(studies)
		.flatMap((own) => [
			...own.flatMap((study) => [
				titleOf(study),
				...terminal(accuracyGrid(study), width),
				...terminal(behaviourGrid(study), width),
			]),
			...(own.length > 1 ? [`${own[0].model}, all streams`, ...terminal(overviewGrid(own), width)] : []),
		])
		.concat(LEGEND)
		.join("\n\n");

/** What the runs took, which the other tables do not show. */
export const terminalCosts = (studies: readonly Study[], width = 120): string =>
	studies.flatMap((study) => [titleOf(study), ...terminal(costGrid(study), width)]).join("\n\n");

export const titleOf = ({ model, stream, seeds, methods: [{ runs }] }: Study): string => {
	const frames = spread(runs.map((run) => run.frames.length)) as Spread;
	return `${model}, ${stream}: ${Math.round(frames.mean)} frames, ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}`;
};

export const byModel = (studies: readonly Study[]): Study[][] =>
	[...new Set(studies.map(({ model }) => model))].map((model) => studies.filter((study) => study.model === model));

/** The table, or several where it is too wide. */
const terminal = (grid: Grid, width: number): string[] =>
	sections(grid, width).map(({ head, rows }) => {
		const aligned = head.map((title, i) => align([title, ...rows.map((row) => row[i])], i));
		return table(
			aligned.map(([title]) => title),
			rows.map((_, r) => aligned.map((cells) => cells[r + 1])),
		);
	});

/** To the right, but for words; marks stand in a column of their own. */
const align = (cells: readonly string[], column: number): string[] => {
	const isMarked = cells.some((cell) => /[▲▼]$/.test(cell));
	const even = isMarked ? cells.map((cell, i) => (i > 0 && !/[▲▼]$/.test(cell) ? `${cell}  ` : cell)) : cells;
	const width = Math.max(...even.map(({ length }) => length));
	return even.map((cell) => (holdsWords(cells.slice(1), column) ? cell : cell.padStart(width)));
};

const holdsWords = (cells: readonly string[], column: number): boolean =>
	column === 0 || cells.some((cell) => /[a-z]{3}/i.test(cell));

/** Columns that fit beside each other. What stays together comes first where not all fits, since it says most. */
const sections = ({ head, rows, together }: Grid, width: number): Grid[] => {
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)) + GAP);
	const total = (columns: readonly number[]) => columns.reduce((sum, i) => sum + widths[i], widths[0]);
	const pick = (columns: readonly number[]): Grid => ({
		head: [0, ...columns].map((i) => head[i]),
		rows: rows.map((row) => [0, ...columns].map((i) => row[i])),
		together: 0,
	});
	const all = head.map((_, i) => i).slice(1);
	if (total(all) <= width) return all.length > 0 ? [pick(all)] : [];
	const groups: number[][] = [[]];
	for (const i of all.slice(0, all.length - together)) {
		if (groups[groups.length - 1].length > 0 && total([...groups[groups.length - 1], i]) > width) groups.push([]);
		groups[groups.length - 1].push(i);
	}
	return [all.slice(all.length - together), ...groups].filter(({ length }) => length > 0).map(pick);
};

// ---------------------------------------------------------------- for a page

/** Characters of a table's width on a page. */
const PAGE = 150;

/** The same in Markdown; several tables where it is wider than so many characters. */
export const markdown = (grid: Grid, width = PAGE): string =>
	sections(grid, width)
		.map(({ head, rows }) => {
			const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |`;
			const rule = head.map((_, i) =>
				holdsWords(
					rows.map((row) => row[i]),
					i,
				)
					? "---"
					: "--:",
			);
			return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
		})
		.join("\n\n");

const escaped = (cell: string) => cell.replaceAll("|", "\\|");
