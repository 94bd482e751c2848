import { table } from "../table.js";
import type { Played } from "./demo.js";
import { accuracy, meanAccuracy, type Truth } from "./truth.js";

/** Both passes side by side, stretch by stretch. */
export const report = (truth: Truth, frozen: Played, adapting: Played): { text: string; json: object } => {
	const stretches = truth.stretches.map((stretch) => ({
		weather: stretch.weather,
		frames: stretch.to - stretch.from,
		domain: mostFrequent(adapting.domains.slice(stretch.from, stretch.to)),
		frozen: percent(accuracy(truth, frozen.predicted, stretch)),
		adapting: percent(accuracy(truth, adapting.predicted, stretch)),
	}));
	const mean = (played: Played, clear: boolean) =>
		percent(
			meanAccuracy(
				truth,
				played.predicted,
				truth.stretches.filter(({ weather }) => (weather === "clear") === clear),
			),
		);
	const means = {
		clear: { frozen: mean(frozen, true), adapting: mean(adapting, true) },
		disturbed: { frozen: mean(frozen, false), adapting: mean(adapting, false) },
	};
	const gain = (row: { frozen: number; adapting: number }) => signed(row.adapting - row.frozen);
	const rows = [
		...stretches.map((row) => [
			row.weather,
			String(row.frames),
			row.domain,
			row.frozen.toFixed(1),
			row.adapting.toFixed(1),
			gain(row),
		]),
		["clear, mean", "", "", means.clear.frozen.toFixed(1), means.clear.adapting.toFixed(1), gain(means.clear)],
		[
			"other, mean",
			"",
			"",
			means.disturbed.frozen.toFixed(1),
			means.disturbed.adapting.toFixed(1),
			gain(means.disturbed),
		],
	];
	const { tally, seconds } = adapting;
	const closing = `${tally.predictions} predictions in ${seconds.toFixed(1)} s, ${tally.domainChanges} changes of domain, ${tally.domains} domains known, ${tally.steps} steps of learning`;
	return {
		text: `${table(["weather", "frames", "mostly in", "frozen %", "adapting %", "gain"], rows)}\n\n${closing}`,
		json: {
			stretches,
			means,
			frozen: frozen.tally,
			adapting: tally,
			seconds: { frozen: frozen.seconds, adapting: seconds },
		},
	};
};

const mostFrequent = (names: readonly string[]): string => {
	const counts = new Map<string, number>();
	for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
	return [...counts].sort(([, a], [, b]) => b - a)[0][0];
};

const percent = (share: number) => Math.round(share * 1000) / 10;
const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
