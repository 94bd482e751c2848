import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { openEmbeddedBroker } from "../../adapters/embeddedBroker.js";
import { openJudge } from "../mqtt/payloads.contract.js";
import { bundled } from "../paths.js";
import { Daemon } from "./daemon.js";

/** What eight cameras on one model came to. */
export interface Report {
	readonly cores: number;
	readonly seconds: number;
	/** Each camera's predictions a second, after warm-up. */
	readonly rates: readonly number[];
	/** The largest distance of a rate from their mean, as a part of it. */
	readonly spread: number;
	/** Milliseconds from a frame's arrival to its prediction's at a consumer, after warm-up. */
	readonly latency: { readonly p50: number; readonly p95: number };
	/**
	 * Resident memory of the daemon, in MB: at the end, and what it grew by in a minute, after warm-up. Compared is the least
	 * of each tenth of the time, because garbage grows and goes.
	 */
	readonly memory: { readonly end: number; readonly slope: number };
	/** Predicted, dropped, and what was wrong with the daemon's end or its messages. */
	readonly predictions: number;
	readonly dropped: number;
	readonly faults: readonly string[];
}

const CAMERAS = Array.from({ length: 8 }, (_, i) => `camera${i + 1}`);

/** Milliseconds between two looks at the memory. */
const LOOK = 500;

/** Milliseconds that the cameras get to come online. */
const LONGEST_START = 60_000;

/**
 * Runs the daemon on eight looped clips at their own pace, 12.5 frames a second each, with a broker and a consumer.
 * @param seconds that are measured, after `warmUp` seconds with all cameras online
 */
export const watchEight = async (seconds: number, warmUp: number): Promise<Report> => {
	const folder = await mkdtemp(join(tmpdir(), "acclimate-eight-"));
	const { judge, problems } = openJudge();
	const broker = await openEmbeddedBroker(0, judge);
	const source = `{ file: ${JSON.stringify(bundled.clip)}, loop: true, pace: realtime }`;
	const cameras = CAMERAS.map((name) => `  ${name}: { source: ${source}, region: [80, 40, 160, 160] }\n`).join("");
	await writeFile(join(folder, "eight.yaml"), `mqtt: { url: "${broker.url}" }\nstore: ./store\ncameras:\n${cameras}`);
	const consumer = await connectAsync(broker.url);
	const counts = new Map(CAMERAS.map((name) => [name, 0]));
	const latencies: number[] = [];
	const seen = new Set<string>();
	let counting = false;
	consumer.on("message", (_topic, payload) => {
		const { camera, capturedAt } = JSON.parse(String(payload));
		seen.add(camera);
		if (!counting) return;
		counts.set(camera, (counts.get(camera) ?? 0) + 1);
		latencies.push(Date.now() - Date.parse(capturedAt));
	});
	await consumer.subscribeAsync("acclimate/+/predictions", { qos: 1 });
	const daemon = new Daemon(folder, "eight.yaml", join(folder, "daemon.log"));
	try {
		daemon.start();
		for (let waited = 0; seen.size < CAMERAS.length; waited += LOOK) {
			if (waited > LONGEST_START) throw new Error(`only ${seen.size} cameras came online`);
			await sleep(LOOK);
		}
		await sleep(warmUp * 1e3);
		counting = true;
		const begin = performance.now();
		const memory: [minutes: number, megabytes: number][] = [];
		for (let at = 0; at < seconds * 1e3; at = performance.now() - begin) {
			memory.push([at / 60_000, await resident(daemon.pid)]);
			await sleep(LOOK);
		}
		counting = false;
		const taken = (performance.now() - begin) / 1e3;
		await daemon.stop();
		const rates = CAMERAS.map((name) => (counts.get(name) ?? 0) / taken);
		const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
		latencies.sort((a, b) => a - b);
		const tallies = [...daemon.tallies.values()];
		return {
			cores: availableParallelism(),
			seconds: taken,
			rates,
			spread: Math.max(...rates.map((rate) => Math.abs(rate / mean - 1))),
			latency: { p50: quantile(latencies, 0.5), p95: quantile(latencies, 0.95) },
			memory: { end: memory[memory.length - 1][1], slope: slopeOf(leastOf(memory, 10)) },
			predictions: tallies.reduce((sum, { predictions }) => sum + predictions, 0),
			dropped: tallies.reduce((sum, { dropped }) => sum + dropped, 0),
			faults: [...daemon.faults, ...problems],
		};
	} finally {
		daemon.kill();
		await consumer.endAsync(true);
		await broker.close();
		await rm(folder, { recursive: true });
	}
};

/** MB of a process in memory. */
const resident = async (pid: number): Promise<number> => {
	const status = await readFile(`/proc/${pid}/status`, "utf8");
	return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};

const quantile = (sorted: readonly number[], part: number): number => sorted[Math.floor(part * (sorted.length - 1))];

type Point = readonly [x: number, y: number];

/** The lowest point of each of so many stretches of about the same number of points. */
const leastOf = (points: readonly Point[], stretches: number): Point[] =>
	Array.from({ length: stretches }, (_, i) => {
		const [from, to] = [i, i + 1].map((end) => Math.floor((end * points.length) / stretches));
		return points.slice(from, to).reduce((least, point) => (point[1] < least[1] ? point : least));
	});

/** The slope of the straight line that fits the points best. */
export const slopeOf = (points: readonly Point[]): number => {
	const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
	const [x, y] = [mean(0), mean(1)];
	const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
	return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
};
