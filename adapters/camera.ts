import { type ChildProcess, spawn } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import Ffmpeg from "fluent-ffmpeg";
import { type Camera, EdgeError } from "../operators/types.js";
import { type Fitting, ffmpegPath, fitFilter, passthrough, VIDEO_FORMATS } from "./ffmpeg.js";
import { frameQueue } from "./frames.js";

export interface CameraOptions extends Fitting {
	/** Path of a video file. */
	readonly file: string;
	/** Starts over at the end, for ever. */
	readonly loop: boolean;
	/** `fast`: lossless, as fast as frames are taken. `realtime`: live, at the clip's own pace. */
	readonly pace: "fast" | "realtime";
	/** Told in one sentence about a source that ended in disorder after some frames. */
	readonly onWarning?: (message: string) => void;
}

/** What ffmpeg is run with: planes G, B, R of every frame of the file, one after the other, on its standard output. */
export function ffmpegArguments(options: CameraOptions, everyFrame: readonly string[]): string[] {
	const command = Ffmpeg(`file:${resolve(options.file)}`)
		.inputOptions(["-hide_banner", "-nostdin", "-nostats"])
		.inputOptions("-v", "level+info")
		// A video file must not make ffmpeg open anything else.
		.inputOptions("-protocol_whitelist", "file,pipe")
		.inputOptions("-format_whitelist", VIDEO_FORMATS);
	if (options.pace === "realtime") command.inputOptions("-re");
	if (options.loop) command.inputOptions("-stream_loop", "-1");
	command
		.output("pipe:1")
		.outputOptions(["-an", "-sn", "-dn"])
		.outputOptions(...(everyFrame as [string, string]))
		.outputOptions("-vf", fitFilter(options))
		.outputOptions("-pix_fmt", "gbrp")
		.outputOptions("-f", "rawvideo");
	// fluent-ffmpeg puts a command together; its way of running one is not used (its kill() does not always kill).
	return (command as unknown as { _getArguments(): string[] })._getArguments();
}

/** Cuts a stream of chunks into arrays of `size` bytes. */
export function cutter(
	size: number,
	emit: (frame: Uint8Array) => void,
): { push(chunk: Uint8Array): void; rest(): number } {
	let frame = new Uint8Array(size);
	let filled = 0;
	return {
		push(chunk) {
			for (let at = 0; at < chunk.length; ) {
				const part = chunk.subarray(at, at + size - filled);
				frame.set(part, filled);
				at += part.length;
				filled += part.length;
				if (filled === size) {
					emit(frame);
					frame = new Uint8Array(size);
					filled = 0;
				}
			}
		},
		rest: () => filled,
	};
}

/** Keeps the last `limit` lines of what a program says, each cut to 500 characters. */
export function lastLines(limit: number): { push(text: string): void; lines(): readonly string[] } {
	let lines: string[] = [];
	let open = "";
	return {
		push(text) {
			const parts = (open + text).split(/\r?\n|\r/);
			open = (parts.pop() ?? "").slice(0, 500);
			lines = [...lines, ...parts.filter((line) => line !== "").map((line) => line.slice(0, 500))].slice(-limit);
		},
		lines: () => (open === "" ? lines : [...lines, open]),
	};
}

const CAUSES: readonly (readonly [RegExp, string])[] = [
	[/moov atom not found/, "is no video, or a recording that was cut off: the index at its end (moov) is missing"],
	[/does not contain any stream|matches no streams/, "has no video in it"],
	[/Format not on whitelist/, "is not in one of the video formats that are read"],
	[/Decoder .* not found|Unknown decoder|no decoder/i, "is in a format that this ffmpeg cannot decode"],
	[/Permission denied/, "may not be read: permission denied"],
	[/No such file or directory/, "does not exist"],
	[/Invalid data found when processing input|Invalid argument|could not find codec parameters/, "is not a video"],
];

/** One sentence about a file that ffmpeg could not read, from what ffmpeg said. */
export function explain(options: Pick<CameraOptions, "file" | "region">, lines: readonly string[]): string {
	const { file, region } = options;
	if (region && lines.some((line) => line.includes("Invalid too big or non positive size"))) {
		const size = lines.map((line) => / Video: .* (\d+x\d+)[ ,]/.exec(line)?.[1]).find(Boolean);
		return `${file}: region [${region.join(", ")}] reaches outside the picture${size ? ` of ${size.replace("x", "×")}` : ""}`;
	}
	const errors = complaints(file, lines);
	const cause = CAUSES.find(([pattern]) => errors.some((line) => pattern.test(line)))?.[1];
	return cause ? `${file} ${cause}` : `${file} cannot be read: ${errors.at(-1) ?? "ffmpeg did not say why"}`;
}

/** The errors among ffmpeg's lines, without prefixes and the path. */
function complaints(file: string, lines: readonly string[]): string[] {
	return lines
		.filter((line) => /\[(error|fatal|panic)\]/.test(line))
		.map((line) => line.replace(/^.*?\[(?:error|fatal|panic)\] /, "").replaceAll(`file:${resolve(file)}: `, ""));
}

/** Refuses what ffmpeg need not be asked about. */
async function checkFile(file: string): Promise<void> {
	const problem = await stat(file).then(
		async (found) => {
			if (found.isDirectory()) return "is a directory, not a video file";
			if (!found.isFile()) return "is not a file";
			if (found.size === 0) return "is empty";
			return access(file, constants.R_OK).then(
				() => undefined,
				() => "may not be read: permission denied",
			);
		},
		(error: NodeJS.ErrnoException) =>
			error.code === "ENOENT" || error.code === "ENOTDIR" ? "does not exist" : `cannot be read: ${error.message}`,
	);
	if (problem) throw new EdgeError("camera", `${file} ${problem}`);
}

/** Milliseconds ffmpeg gets to end by itself. */
const GRACE = 1000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/**
 * Opens a video file as a camera: one ffmpeg process, ended by `close` or with this process.
 * A source without a single readable frame makes `take` reject; damage after that ends it, with a warning.
 * @throws {EdgeError} `camera` when there is no such file, the region is no rectangle or there is no ffmpeg
 */
export async function openCamera(options: CameraOptions, ffmpeg = ffmpegPath()): Promise<Camera> {
	const everyFrame = await passthrough(ffmpeg);
	const command = ffmpegArguments(options, everyFrame);
	await checkFile(options.file);

	const child = spawn(ffmpeg, command, {
		stdio: ["ignore", "pipe", "pipe"],
		// Ctrl-C reaches the whole foreground group; outside it ffmpeg goes on until what is in hand has been published.
		detached: process.platform !== "win32",
		windowsHide: true,
	});
	running.add(child);

	const queue = frameQueue({ live: options.pace === "realtime", onRoom: () => child.stdout.resume() });
	const frames = cutter(options.width * options.height * 3, queue.push);
	const said = lastLines(100);
	let closing = false;

	child.stdout.on("data", (chunk: Uint8Array) => {
		frames.push(chunk);
		if (queue.full) child.stdout.pause();
	});
	child.stderr.setEncoding("utf8").on("data", said.push);
	const gone = new Promise<void>((done) => {
		child.once("error", (cause) => {
			if (child.pid !== undefined) return; // a signal that could not be delivered; the process still ends
			running.delete(child);
			queue.end(new EdgeError("camera", `ffmpeg could not be started: ${cause.message}`, { cause }));
			done();
		});
		child.once("close", (code, signal) => {
			running.delete(child);
			const ending = closing ? {} : judge(options, { code, signal, lines: said.lines(), queue, rest: frames.rest() });
			if (ending.warning) options.onWarning?.(ending.warning);
			queue.end(ending.error === undefined ? undefined : new EdgeError("camera", ending.error));
			done();
		});
	});

	return {
		live: queue.live,
		get waiting() {
			return queue.waiting;
		},
		get dropped() {
			return queue.dropped;
		},
		take: queue.take,
		async close() {
			closing = true;
			queue.end();
			// Blocked in a write to a pipe nobody reads, ffmpeg would not notice the signal.
			child.stdout.destroy();
			child.kill("SIGTERM");
			const last = setTimeout(() => child.kill("SIGKILL"), GRACE);
			await gone;
			clearTimeout(last);
		},
	};
}

interface Ending {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly lines: readonly string[];
	readonly queue: { readonly delivered: number };
	/** Bytes of an unfinished frame. */
	readonly rest: number;
}

/** What to make of ffmpeg's end: an error for the next `take`, a warning, or nothing. */
export function judge(
	options: Pick<CameraOptions, "file" | "region" | "loop">,
	{ code, signal, lines, queue, rest }: Ending,
): { error?: string; warning?: string } {
	const { file } = options;
	const caught = lines.some((line) => line.includes("received signal"));
	if (signal || caught) return { error: `${file}: ffmpeg was stopped from outside${signal ? ` (${signal})` : ""}` };
	const detail = complaints(file, lines).at(-1);
	if (queue.delivered === 0) {
		return { error: code === 0 && !detail ? `${file} has no pictures in it` : explain(options, lines) };
	}
	if (options.loop) return { error: `${file} cannot be played in a loop: ${detail ?? "ffmpeg came to its end"}` };
	if (code !== 0 || rest > 0 || detail) {
		const half = rest > 0 ? " and a part of one" : "";
		const why = detail ?? (code !== 0 ? `ffmpeg ended with ${code}` : "it ends in mid-frame");
		return { warning: `${file} looks damaged: ${queue.delivered} frames${half} could be read (${why})` };
	}
	return {};
}
