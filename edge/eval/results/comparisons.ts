import { mean } from "./metrics.js";
import { between, percent, points, ranged } from "./numbers.js";
import { type Studied, type Study, spread, windowsOf } from "./study.js";
import { type Grid, marked, settlingGrid } from "./tables.js";

/** What of one model is compared otherwise than by accuracy with doing nothing. */
export const comparisons = (own: readonly Study[]): { readonly title: string; readonly grid: Grid }[] => {
	const settling = settlingGrid(own);
	const windows = windowGrid(own);
	const parts = ablationGrid(own);
	return [
		...(own.length > 1 && settling.rows.length > 0
			? [{ title: "one window after the changes that were seen, over all streams", grid: settling }]
			: []),
		...(windows ? [{ title: "a small window on the frames of the continual stream", grid: windows }] : []),
		...(parts.rows.length > 0 ? [{ title: "without a part, compared with the whole method", grid: parts }] : []),
	];
};

/** Methods that lack a part, below what they are a part of: each stream's mean and the difference to the whole. */
export const ablationGrid = (studies: readonly Study[]): Grid => {
	const parts = [...new Set(studies.flatMap(({ ablations }) => ablations.map(({ method }) => method)))];
	const whole = (part: string) =>
		studies.flatMap(({ ablations }) => ablations).find(({ method }) => method === part)?.runs[0].ablates as string;
	const names = [...new Set(parts.map(whole))].flatMap((name) => [
		name,
		...parts.filter((part) => whole(part) === name),
	]);
	const find = ({ methods, ablations }: Study, name: string) =>
		[...methods, ...ablations].find(({ method }) => method === name);
	return {
		head: ["method", ...studies.map(({ stream }) => stream), "to the whole"],
		rows: names.map((name) => {
			const isPart = parts.includes(name);
			const losses = studies.flatMap((study) => find(study, name)?.against?.mean.difference ?? []);
			return [
				name,
				...studies.map((study) => {
					const own = find(study, name);
					const mean = own && ranged(spread(own.totals.map(({ accuracy }) => accuracy)), percent);
					return mean === undefined ? "" : marked(mean, isPart ? own?.against?.mean : undefined);
				}),
				isPart && losses.length > 0 ? points(mean(losses)) : "",
			];
		}),
		together: 1,
	};
};

/** What a small window gives: one model's streams of the same frames, a row each method. Nothing where only one was run. */
export const windowGrid = (studies: readonly Study[]): Grid | undefined => {
	const windowOf = ({ methods: [{ runs }] }: Study) => runs[0].window;
	const usual = studies.find(({ stream }) => stream === "continual");
	const small = studies.find((study) => usual && windowOf(study) !== windowOf(usual));
	if (!usual || !small) return undefined;
	const accuracy = ({ totals }: Studied) => ranged(spread(totals.map((row) => row.accuracy)), percent);
	return {
		head: ["method", `window of ${windowOf(small)}`, `window of ${windowOf(usual)}`, "difference", "95 % interval"],
		rows: windowsOf(small, usual).map(({ small, usual, difference: { mean } }) => [
			...[small.method, accuracy(small), accuracy(usual)],
			...[marked(points(mean.difference), mean), between(mean)],
		]),
		together: 0,
	};
};
