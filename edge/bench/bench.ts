import { readFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { openMemoryStore } from "../../adapters/bank.memory.js";
import { openBundle } from "../../adapters/bundle.js";
import { type CameraOptions, openCamera } from "../../adapters/camera.js";
import { openMemoryCamera } from "../../adapters/camera.memory.js";
import { openModel } from "../../adapters/model.js";
import { videoFile } from "../../adapters/sources/source.js";
import { parse } from "../../config/load.js";
import { firstKnowledge } from "../../operators/knowledge.js";
import type { Settings } from "../../operators/settings.js";
import type { Bundle, Camera, Knowledge, Model, Outlet } from "../../operators/types.js";
import { pipeline } from "../../pipeline/pipeline.js";
import type { Truth } from "../demo/truth.js";
import { type BundledModel, bundled } from "../paths.js";
import { defaultThreads, settingsOf } from "../settings.js";
import { table } from "../table.js";
import { ffmpegAlone, runtimeAlone } from "./alone.js";
import { median, type Rates, ratios } from "./rates.js";

/** Times everything is measured, each in its turn, so that a noisy moment of the machine hits all alike. */
const ROUNDS = 5;

/** Frames in memory for the cost of learning: the clip's first, which are clear, so that alignment rests, again and again. */
const FRAMES = 256;
const TIMES = 16;

/** After so many of them what there was to learn has been learned. */
const HALF = (FRAMES * TIMES) / 2;

/** Measures on this machine, in one run, what the parts do alone and together; prints frame rates and their ratios. */
export const bench = async ({ model: name, json }: { model: BundledModel; json?: boolean }): Promise<void> => {
	const bundle = await openBundle(bundled.models[name]);
	const { width, height, fit } = bundle.manifest.input;
	const { region, frames }: Truth = JSON.parse(await readFile(bundled.labels, "utf8"));
	const clip: CameraOptions = { source: videoFile(bundled.clip), width, height, fit, region };
	const settings = { frozen: defaults("none"), adapting: defaults("zoa+") };
	const pictures = await picturesOf(clip);
	const model = await openModel(bundle, { threads: defaultThreads() });
	const samples: Record<keyof Rates, number[]> = {
		ffmpeg: [],
		runtime: [],
		endToEnd: [],
		adapting: [],
		inMemory: [],
		learning: [],
		settled: [],
	};
	let sweeps = { learning: 0, settled: 0 };
	try {
		const fresh = () => openMemoryCamera({ pictures });
		const learningAndSettled = async (camera: Camera): Promise<Pick<Rates, "learning" | "settled">> => {
			const { marks } = await endToEnd(camera, model, settings.adapting);
			const first = marks.find(({ frames }) => frames >= HALF) as Mark;
			const last = marks[marks.length - 1];
			sweeps = { learning: first.sweeps, settled: last.sweeps - first.sweeps };
			return {
				learning: (1e3 * first.frames) / first.at,
				settled: (1e3 * (last.frames - first.frames)) / (last.at - first.at),
			};
		};
		for (let round = 0; round <= ROUNDS; round++) {
			const rates: Rates = {
				ffmpeg: await ffmpegAlone(clip, frames.length),
				runtime: await runtimeAlone(bundle, pictures, settings.frozen.batch.frames),
				endToEnd: (await endToEnd(await openCamera(clip), model, settings.frozen)).rate,
				adapting: (await endToEnd(await openCamera(clip), model, settings.adapting)).rate,
				inMemory: (await endToEnd(fresh(), model, settings.frozen)).rate,
				...(await learningAndSettled(fresh())),
			};
			// The first round warms the caches up.
			if (round > 0) for (const key of Object.keys(samples) as (keyof Rates)[]) samples[key].push(rates[key]);
			if (!json && process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round} of ${ROUNDS}`);
		}
	} finally {
		await model.close();
	}
	if (!json && process.stderr.isTTY) process.stderr.write("\r\x1b[K");
	print(bundle, samples, sweeps, json ?? false);
};

/** The pipeline's settings where a configuration says nothing but the method. */
const defaults = (method: string): Settings => {
	const parsed = parse(`adapt: { method: ${method} }\ncameras: { bench: { source: clip.mp4 } }`, "bench.yaml", {
		env: {},
		secretsDirectories: [],
	});
	if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
	return settingsOf(parsed.config);
};

/** The clip's first frames, several times over. */
const picturesOf = async (clip: CameraOptions): Promise<Uint8Array[]> => {
	const camera = await openCamera(clip);
	const pictures: Uint8Array[] = [];
	while (pictures.length < FRAMES) {
		const frames = await camera.take(FRAMES - pictures.length, 0);
		if (frames.length === 0) break;
		pictures.push(...frames.map((frame) => frame.pixels));
	}
	await camera.close();
	if (pictures.length < FRAMES) throw new Error(`the clip has ${pictures.length} frames, and ${FRAMES} are wanted`);
	return new Array(TIMES).fill(pictures).flat();
};

/** How far a run had come: frames and sweeps so far, in milliseconds from its start. */
interface Mark {
	readonly frames: number;
	readonly sweeps: number;
	readonly at: number;
}

/** From the camera to the outlet: frames a second, and how far it was after each batch. */
const endToEnd = async (camera: Camera, model: Model, settings: Settings): Promise<{ rate: number; marks: Mark[] }> => {
	const outlet: Outlet = {
		publish: async (_channel: string, payload: object | string) => void JSON.stringify(payload),
	};
	const bank = openMemoryStore().bank(model.bundle.manifest.model.sha256, "bench");
	const marks: Mark[] = [];
	let frames = 0;
	const started = performance.now();
	await new Promise<void>((done, fail) => {
		pipeline({ camera, model, outlet, bank }, settings, start(model.bundle, settings)).subscribe({
			next: (step) => {
				frames += step.frames.length;
				marks.push({ frames, sweeps: step.knowledge.counts.steps, at: performance.now() - started });
			},
			error: fail,
			complete: done,
		});
	});
	const rate = frames / ((performance.now() - started) / 1e3);
	await camera.close();
	return { rate, marks };
};

const start = (bundle: Bundle, { learning }: Settings): Knowledge =>
	firstKnowledge(bundle, [], {
		seed: learning?.seed ?? 0,
		bank: learning?.bank ?? 0,
		published: false,
		now: Date.now(),
	});

const print = (
	{ manifest }: Bundle,
	samples: Record<keyof Rates, number[]>,
	sweeps: { learning: number; settled: number },
	json: boolean,
): void => {
	const rates = Object.fromEntries(Object.entries(samples).map(([key, all]) => [key, median(all)])) as unknown as Rates;
	const compared = ratios(samples);
	const machine = `${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`;
	if (json) {
		console.log(
			JSON.stringify({
				machine,
				model: manifest.name,
				rounds: ROUNDS,
				framesPerSecond: rates,
				sweeps,
				ratios: compared,
			}),
		);
		return;
	}
	const range = (all: readonly number[]) => `${Math.min(...all).toFixed(0)}–${Math.max(...all).toFixed(0)}`;
	const row = (what: string, key: keyof Rates) => [what, rates[key].toFixed(0), range(samples[key])];
	console.log(`${machine}; ${manifest.name}, ${manifest.bits} bits; medians of ${ROUNDS} rounds in turn\n`);
	console.log(
		table(
			["frames a second", "median", "range"],
			[
				row("ffmpeg alone, decoding and scaling", "ffmpeg"),
				row("ONNX Runtime alone, same batch and threads", "runtime"),
				row("end to end without adaptation", "endToEnd"),
				row("end to end with zoa+", "adapting"),
				row("frames in memory, without adaptation", "inMemory"),
				row(`with zoa+, the first ${HALF}, ${sweeps.learning} sweeps`, "learning"),
				row(`with zoa+, ${HALF} more, ${sweeps.settled} sweeps`, "settled"),
			],
		),
	);
	console.log();
	console.log(
		table(
			["ratio", "median", "target"],
			[
				["end to end / limit 1/(1/ONNX Runtime + 1/ffmpeg)", compared.limit.toFixed(2), "≥ 0.85"],
				["with zoa+ / inference alone, time, from the start", compared.learning.toFixed(2), ""],
				["the same once that is over", compared.settled.toFixed(2), "≤ 1.1"],
				["end to end with zoa+ / without", compared.adapting.toFixed(2), ""],
			],
		),
	);
};
