import { table } from "../../table.js";
import { comparisons } from "./comparisons.js";
import type { Study } from "./study.js";
import {
	accuracyGrid,
	behaviourGrid,
	byModel,
	costGrid,
	type Grid,
	LEGEND,
	overviewGrid,
	settlingGrid,
	titleOf,
} from "./tables.js";

const GAP = 2;

// ---------------------------------------------------------------- for a terminal

/** The tables of accuracy and behaviour, model by model; the same runs give the same text to the last digit. */
export const terminalTables = (studies: readonly Study[], width = 120): string =>
	byModel(studies)
		.flatMap((own) => [
			...own.flatMap((study) => [
				titleOf(study),
				...terminal(accuracyGrid(study), width),
				...terminal(behaviourGrid(study), width),
				...terminal(settlingGrid([study]), width),
			]),
			...(own.length > 1 ? [`${own[0].model}, all streams`, ...terminal(overviewGrid(own), width)] : []),
			...comparisons(own).flatMap(({ title, grid }) => [`${own[0].model}, ${title}`, ...terminal(grid, width)]),
		])
		.concat(LEGEND)
		.join("\n\n");

/** What the runs took, which the other tables do not show. */
export const terminalCosts = (studies: readonly Study[], width = 120): string =>
	studies.flatMap((study) => [titleOf(study), ...terminal(costGrid(study), width)]).join("\n\n");

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
	if (rows.length === 0) return [];
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
