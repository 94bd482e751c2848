import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ffmpegPath, passthrough } from "../../../adapters/ffmpeg.js";
import { cutter, lastLines } from "../../../adapters/pipe.js";
import { EdgeError } from "../../../operators/types.js";
import type { ClipCorruption, Image, Severity } from "../image.js";
import { toImage, toPixels } from "../pictures.js";
import { at, type Five } from "./severity.js";

/** Constant rate factors; 23 is libx264's own choice, 51 the worst. */
const CRF: Five<number> = [30, 35, 40, 45, 50];
/** Frames per second, and between key frames: what network cameras are set to. */
const RATE = 15;
const KEY_INTERVAL = 30;
/** Milliseconds that a clip may take, and more for each of its frames. */
const PATIENCE = 60_000;
const PATIENCE_PER_FRAME = 500;

const QUIET = ["-hide_banner", "-nostats", "-v", "error"] as const;
const planes = (width: number, height: number) => ["-f", "rawvideo", "-pix_fmt", "gbrp", "-s", `${width}x${height}`];
const SCALER = ["-sws_flags", "bilinear+accurate_rnd+full_chroma_int"] as const;

/** What ffmpeg is run with to make H.264 of raw frames as a network camera does: no frame refers to a later one. */
export function encoderArguments(width: number, height: number, crf: number, everyFrame: readonly string[]): string[] {
	return [
		...[...QUIET, "-protocol_whitelist", "pipe", ...planes(width, height), "-r", String(RATE), "-i", "pipe:0"],
		...[...SCALER, ...everyFrame, "-pix_fmt", "yuv420p"],
		// One thread: how frames are shared out among threads decides what the encoder finds.
		...["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0", "-g", String(KEY_INTERVAL)],
		...["-crf", String(crf), "-threads", "1", "-f", "h264", "pipe:1"],
	];
}

/** What ffmpeg is run with to get the frames back. */
function decoderArguments(width: number, height: number, everyFrame: readonly string[]): string[] {
	return [
		...[...QUIET, "-protocol_whitelist", "pipe", "-threads", "1", "-f", "h264", "-i", "pipe:0"],
		...[...SCALER, ...everyFrame, ...planes(width, height), "pipe:1"],
	];
}

/** A video that has too few bits for what it shows. Given a signal, it stops at once. */
export const h264With = (findFfmpeg: () => string) =>
	({
		name: "h264",
		kind: "clip",
		async apply(images: readonly Image[], severity: Severity, signal?: AbortSignal): Promise<Image[]> {
			if (images.length === 0) return [];
			const [{ width, height }] = images;
			if (images.some((image) => image.width !== width || image.height !== height)) {
				throw new Error("the pictures of a clip have one size");
			}
			const [evenWidth, evenHeight] = [width + (width % 2), height + (height % 2)];
			const ffmpeg = findFfmpeg();
			const everyFrame = await passthrough(ffmpeg);
			const decoded: Image[] = [];
			const frames = cutter(3 * evenWidth * evenHeight, (frame) => {
				decoded.push(resized(toImage(frame, evenWidth, evenHeight), width, height));
			});
			await throughPrograms({
				ffmpeg,
				input: inEvenSize(images, evenWidth, evenHeight),
				encoder: encoderArguments(evenWidth, evenHeight, at(CRF, severity), everyFrame),
				decoder: decoderArguments(evenWidth, evenHeight, everyFrame),
				output: frames.push,
				patience: PATIENCE + PATIENCE_PER_FRAME * images.length,
				signal,
			});
			if (decoded.length !== images.length) {
				throw new EdgeError("camera", `ffmpeg gave ${decoded.length} of ${images.length} frames back`);
			}
			return decoded;
		},
	}) as const satisfies ClipCorruption;

export const h264 = h264With(ffmpegPath);

function* inEvenSize(images: readonly Image[], width: number, height: number): Generator<Uint8Array> {
	for (const image of images) yield toPixels(resized(image, width, height));
}

/** The picture cut to a size; what is missing repeats the last column and row. */
function resized(image: Image, width: number, height: number): Image {
	if (image.width === width && image.height === height) return image;
	const data = new Float32Array(3 * width * height);
	for (let c = 0, i = 0; c < 3; c++) {
		for (let y = 0; y < height; y++) {
			const row = (c * image.height + Math.min(y, image.height - 1)) * image.width;
			for (let x = 0; x < width; x++) data[i++] = image.data[row + Math.min(x, image.width - 1)];
		}
	}
	return { width, height, data };
}

interface Programs {
	readonly ffmpeg: string;
	readonly input: Iterable<Uint8Array>;
	readonly encoder: readonly string[];
	readonly decoder: readonly string[];
	readonly output: (chunk: Uint8Array) => void;
	/** Milliseconds. */
	readonly patience: number;
	readonly signal: AbortSignal | undefined;
}

/** Runs the two programs one behind the other; neither outlives the call. */
async function throughPrograms(programs: Programs): Promise<void> {
	const { ffmpeg, input, encoder, decoder, output, patience, signal } = programs;
	signal?.throwIfAborted();
	const children = [encoder, decoder].map((arguments_) => start(ffmpeg, arguments_));
	const [{ child: encoding }, { child: decoding }] = children;
	const kill = () => {
		for (const { child } of children) child.kill("SIGKILL");
	};
	let isLate = false;
	const limit = setTimeout(() => {
		isLate = true;
		kill();
	}, patience);
	signal?.addEventListener("abort", kill, { once: true });
	try {
		decoding.stdout.on("data", output);
		// A pipe breaks when a program ends early, and it is the program that knows why.
		await Promise.allSettled([
			pipeline(Readable.from(input), encoding.stdin),
			pipeline(encoding.stdout, decoding.stdin),
		]);
		const problem = (await Promise.all(children.map(({ end }) => end))).find((end) => end !== undefined);
		signal?.throwIfAborted();
		const why = isLate ? `it took longer than ${patience / 1000} s` : problem;
		if (why !== undefined) throw new EdgeError("camera", `a clip could not be put through H.264: ${why}`);
	} finally {
		clearTimeout(limit);
		signal?.removeEventListener("abort", kill);
	}
}

/** Starts a program; `end` resolves when it is gone, with what was wrong or undefined. */
function start(ffmpeg: string, arguments_: readonly string[]) {
	const child = spawn(ffmpeg, arguments_, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
	const said = lastLines(20);
	child.stderr.setEncoding("utf8").on("data", said.push);
	return { child, end: endOf(child, said.lines) };
}

const endOf = (child: ChildProcess, lines: () => readonly string[]): Promise<string | undefined> =>
	new Promise((done) => {
		child.once("error", ({ message }) => {
			if (child.pid === undefined) done(`ffmpeg could not be started: ${message}`);
		});
		child.once("close", (code, signal) => {
			done(code === 0 ? undefined : (lines().at(-1) ?? `ffmpeg ended with ${code ?? signal}`));
		});
	});
