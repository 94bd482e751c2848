import { parseArgs } from "node:util";
import { table } from "../table.js";
import { watchEight } from "./eight.js";

/*
 * `npm run cameras -- --minutes 10`: eight cameras on one model, and what is promised of them: even frame rates, and memory
 * that does not grow.
 */

/** Minutes from which on the memory's slope is more than noise, and is judged. */
const LONG = 5;
const PROMISED = { spread: 0.15, slope: 1 };

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
	console.error(`--minutes: expected a number above 0, got ${values.minutes}`);
	process.exit(2);
}

// The clip lasts 213 s: after that no condition is met for the first time, and the bank grows no more.
const warmUp = minutes >= LONG ? 240 : minutes * 20;
const { rates, spread, latency, memory, ...report } = await watchEight(minutes * 60, warmUp);
console.log(
	`8 cameras of 12.5 frames a second on ${report.cores} cores, ${Math.round(report.seconds)} s after warm-up\n`,
);
console.log(
	table(
		["", "measured", "promised"],
		[
			["predictions a second of each camera", rates.map((rate) => rate.toFixed(1)).join(" "), ""],
			["largest distance from their mean", `${(100 * spread).toFixed(1)} %`, "≤ 15 %"],
			["camera → consumer, median", `${latency.p50} ms`, ""],
			["camera → consumer, 95 of 100", `${latency.p95} ms`, "reported"],
			["resident memory", `${Math.round(memory.end)} MB`, ""],
			["its growth", `${memory.slope.toFixed(2)} MB a minute`, minutes >= LONG ? "< 1" : "(too short to judge)"],
			["frames predicted, dropped", `${report.predictions}, ${report.dropped}`, ""],
		],
	),
);
const broken = [
	...report.faults,
	...(spread > PROMISED.spread ? ["the frame rates differ by more than 15 %"] : []),
	...(minutes >= LONG && memory.slope >= PROMISED.slope ? ["the memory grows by 1 MB a minute or more"] : []),
];
for (const sentence of broken) console.error(sentence);
if (broken.length > 0) process.exitCode = 1;
