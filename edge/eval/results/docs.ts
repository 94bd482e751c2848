import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { type Interval, verdict } from "./bootstrap.js";
import { comparisons } from "./comparisons.js";
import { markdown } from "./layout.js";
import { BEGINNING, grouped } from "./metrics.js";
import { between, fixed, points } from "./numbers.js";
import { bars, overTime } from "./plots.js";
import type { Study } from "./study.js";
import {
	accuracyGrid,
	behaviourGrid,
	byModel,
	costGrid,
	LEGEND,
	overviewGrid,
	settlingGrid,
	titleOf,
} from "./tables.js";

/** What a page of results says besides its numbers. */
export interface Circumstances {
	/** As it is printed: "2026-11-03". */
	readonly date: string;
	readonly commit: string;
	readonly machine: string;
	/** What was typed to get the runs. */
	readonly commands: readonly string[];
	/** Whose data and models they were made with, and under which licence. */
	readonly credits: readonly string[];
}

/** Processor, cores and Node of this machine. */
export const thisMachine = (): string =>
	`${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} cores, Node ${process.version}`;

/** results.md and its drawings, by their paths below the folder of the documentation. */
export const resultsPage = (all: readonly Study[], circumstances: Circumstances): ReadonlyMap<string, string> => {
	const drawings = all.map((study) => ({ study, names: drawingNames(study, all) }));
	return new Map([
		["results.md", page(all, circumstances)],
		...drawings.flatMap(({ study, names }): [string, string][] => [
			[names.time, overTime(study)],
			[names.bars, bars(study)],
		]),
	]);
};

/** Writes the page into a folder; what else is there stays. */
export const writeResults = async (folder: string, files: ReadonlyMap<string, string>): Promise<void> => {
	for (const [path, text] of files) {
		await mkdir(dirname(join(folder, path)), { recursive: true });
		await writeFile(join(folder, path), text);
	}
};

/** Names with the same letters get numbers. */
const drawingNames = (study: Study, all: readonly Study[]): { readonly time: string; readonly bars: string } => {
	const same = all.filter((other) => slug(other) === slug(study));
	const name = `results/${slug(study)}${same.length > 1 ? `-${same.indexOf(study) + 1}` : ""}`;
	return { time: `${name}-time.svg`, bars: `${name}-domains.svg` };
};

const slug = ({ model, stream }: Study) =>
	`${model} ${stream}`
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");

const page = (all: readonly Study[], { date, commit, machine, commands, credits }: Circumstances): string => {
	const paragraphs = [
		"# Results",
		"Written by `acclimate eval`; every number and every sentence about one is computed from the runs.",
		[`- Date: ${date}`, `- Commit: ${commit}`, `- Machine: ${machine}`].join("\n"),
		["```sh", ...commands, "```"].join("\n"),
		"## How to read this",
		...explanation(all),
		"## In short",
		"Mean over the domains of each stream; “to none” is the mean of the streams’ differences, each stream counted once.",
		...byModel(all).flatMap((own) => [
			`### ${own[0].model}, all streams`,
			markdown(overviewGrid(own)),
			...comparisons(own).flatMap(({ title, grid }) => [`${capital(title)}:`, markdown(grid)]),
		]),
		"## Where adapting hurts",
		...losses(all),
		...byModel(all).flatMap((own) => [
			`## ${own[0].model}`,
			...own.flatMap((study) => section(study, drawingNames(study, all))),
		]),
		...(credits.length > 0 ? ["## Credits", credits.map((line) => `- ${line}`).join("\n")] : []),
	];
	return `${paragraphs.join("\n\n")}\n`;
};

const section = (study: Study, names: { readonly time: string; readonly bars: string }): string[] => [
	`### ${study.stream}`,
	`${titleOf(study)}. ${comparison(study)}`,
	markdown(accuracyGrid(study)),
	`![accuracy over time](${names.time})`,
	`![accuracy in each domain](${names.bars})`,
	...[behaviourGrid(study), settlingGrid([study])].map((grid) => markdown(grid)).filter((text) => text !== ""),
	markdown(costGrid(study)),
];

const explanation = (all: readonly Study[]): string[] => {
	const compared = intervals(all);
	const lost = compared.filter(({ interval }) => verdict(interval) < 0);
	const won = compared.filter(({ interval }) => verdict(interval) > 0);
	return [
		`${LEGEND} The mean counts each domain once. “To none” is the difference to the same model on the same frames with nothing adapted, in points; “worst to none” is the domain that loses most, or gains least. A pass is one frame through the model: 1.00 a frame is prediction alone.`,
		`“After a change” compares the first ${BEGINNING} frames after each change with the same domain as a whole; “later visits” and “last to first” compare the times at which a domain returns. Both move with the pictures too, so read them against the row of none. The calibration error says how far confidence and accuracy are apart, in points.`,
		...(all.some(({ methods }) => methods.some(({ settlings }) => settlings.length > 0))
			? [
					"“A window later” says whether a method has settled after the changes that it saw itself: one window after it saw one, or on a later visit from the batch after it recognized the domain, the next window is compared with the rest of the visit; where less than two are left, the first half with the second. Since pictures differ, the same difference for none is subtracted. The mean counts each change by the frames of its window, and its bootstrap draws changes, of a few of which the interval is too narrow; below 0 means not settled.",
				]
			: []),
		"Times are those of runs made in one process for each core, each with one thread, while the others were at work. “Held” is what could be collected from memory once the method was closed: its own arrays and objects, without the model and without the session of a second one, as FOA's prompted model is.",
		...(compared.length > 0
			? [
					`Of ${count(compared.length, "comparison")} of a method with doing nothing, each in one domain, ${won.length} ${won.length === 1 ? "is" : "are"} above and ${lost.length} below it beyond the interval. If no method did anything, about ${fixed(compared.length / 40, 0)} would be found on either side by chance.`,
				]
			: []),
	];
};

/** Which methods are better and worse than nothing on a stream as a whole. */
const comparison = ({ methods }: Study): string => {
	const compared = methods.flatMap(({ method, against }) => (against ? [{ method, interval: against.mean }] : []));
	const sentence = (words: string, wanted: -1 | 0 | 1) => {
		const own = compared
			.filter(({ interval }) => verdict(interval) === wanted)
			.sort((a, b) => b.interval.difference - a.interval.difference);
		const names = own.map(({ method, interval }) => `${method} (${points(interval.difference)})`);
		return own.length > 0 ? [`${words}: ${names.join(", ")}.`] : [];
	};
	return [
		...sentence("Above doing nothing beyond the interval", 1),
		...sentence("Not to be told apart from it", 0),
		...sentence("Below it beyond the interval", -1),
	].join(" ");
};

const losses = (all: readonly Study[]): string[] => {
	const lost = intervals(all)
		.filter(({ interval }) => verdict(interval) < 0)
		.sort((a, b) => a.interval.difference - b.interval.difference);
	if (lost.length === 0) return ["No method is below doing nothing in any domain beyond the interval."];
	const rows = grouped(lost.slice(0, MOST_LOSSES), ({ study, method }) =>
		JSON.stringify([study.model, study.stream, method]),
	);
	const others = lost.slice(MOST_LOSSES);
	const counts = [...grouped(others, ({ method }) => method)].sort(([, a], [, b]) => b.length - a.length);
	return [
		`${count(lost.length, "case")} of a method that is below doing nothing in a domain beyond the interval, the largest loss first.`,
		markdown(
			{
				head: ["model", "stream", "method", "domains, difference to none (95 % interval)"],
				rows: [...rows.values()].map((own) => [
					own[0].study.model,
					own[0].study.stream,
					own[0].method,
					own
						.map(({ domain, interval }) => `${domain} ${points(interval.difference)} (${between(interval)})`)
						.join("<br>"),
				]),
				together: 0,
			},
			Number.POSITIVE_INFINITY,
		),
		...(others.length > 0
			? [
					`Besides these ${count(others.length, "smaller loss", "smaller losses")}, by method: ${counts.map(([method, own]) => `${method} ${own.length}`).join(", ")}.`,
				]
			: []),
	];
};

/** Losses that are listed one by one. */
const MOST_LOSSES = 40;

const count = (n: number, what: string, several = `${what}s`) => `${n} ${n === 1 ? what : several}`;

const capital = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}`;

/** Every method in every domain, but for `none`. */
const intervals = (
	all: readonly Study[],
): { readonly study: Study; readonly method: string; readonly domain: string; readonly interval: Interval }[] =>
	all.flatMap((study) =>
		study.methods.flatMap(({ method, against }) =>
			[...(against?.domains ?? [])].map(([domain, interval]) => ({ study, method, domain, interval })),
		),
	);
