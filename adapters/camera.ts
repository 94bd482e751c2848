import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import Ffmpeg from "fluent-ffmpeg";
import { type Camera, CameraError } from "../operators/types.js";
import { ffmpegPath, passthrough } from "./ffmpeg.js";
import { frameQueue } from "./frames.js";
import { cutter, lastLines, unstacked } from "./pipe.js";
import { hardwareFailed, judge } from "./sources/faults.js";
import { filterOptions, type Picture } from "./sources/filter.js";
import { inputOf } from "./sources/input.js";
import { located } from "./sources/located.js";
import { isLive, nameOf, type Source } from "./sources/source.js";

export interface CameraOptions extends Picture {
	readonly source: Source;
	/** What decodes; `auto`: whatever ffmpeg finds. Where it fails the processor does it. Absent: the processor. */
	readonly hwaccel?: Hwaccel;
	/** What happens to frames that nobody takes in time. Absent: what suits the source. */
	readonly drop?: "oldest" | "none";
	/** Milliseconds without a frame after which the source counts as gone. Absent: it may take for ever. */
	readonly stall?: number;
	/** Told in one sentence about what did not go as it should, though frames came. */
	readonly onWarning?: (message: string) => void;
}

export type Hwaccel = "none" | "auto" | "vaapi" | "cuda" | "qsv" | "vdpau" | "drm" | "videotoolbox" | "d3d11va";

/** What ffmpeg is run with: planes G, B, R of every picture, one after the other, on its standard output. */
export function ffmpegArguments(options: CameraOptions, everyFrame: readonly string[]): string[] {
	const { source, hwaccel = "none" } = options;
	// A folder's pictures have no rate but the one that they are shown at.
	const fps = source.kind === "pictures" ? undefined : options.fps;
	const input = inputOf(source, options.fps);
	const { fps: _, ...picture } = options;
	const clock = source.kind === "stream" && /^https?:/i.test(source.url);
	const filter = filterOptions({ ...picture, ...(fps !== undefined && { fps }) }, { clock });
	const command = Ffmpeg(input.from)
		.inputOptions(["-hide_banner", "-nostdin", "-nostats"])
		.inputOptions("-v", "level+info");
	if (hwaccel !== "none") command.inputOptions("-hwaccel", hwaccel);
	command
		.inputOptions(...(input.options as [string, string]))
		.output("pipe:1")
		.outputOptions(["-an", "-sn", "-dn"])
		.outputOptions(...(everyFrame as [string, string]))
		.outputOptions(...(filter as [string, string]))
		.outputOptions("-pix_fmt", "gbrp")
		.outputOptions("-f", "rawvideo");
	// fluent-ffmpeg puts a command together; its way of running one is not used (its kill() does not always kill).
	return (command as unknown as { _getArguments(): string[] })._getArguments();
}

/** Characters of what ffmpeg says that are read in so many milliseconds; one that says more has to wait. */
const FLOOD = { characters: 65_536, interval: 100 };

/** Reads a text stream, at a bounded rate: a corrupt video can make ffmpeg say more than there is time to read. */
function listen(stream: Readable, hear: (text: string) => void): void {
	let heard = 0;
	stream.setEncoding("utf8").on("data", (text: string) => {
		hear(text);
		heard += text.length;
		if (heard < FLOOD.characters || stream.isPaused()) return;
		stream.pause();
		setTimeout(() => {
			heard = 0;
			stream.resume();
		}, FLOOD.interval);
	});
}

/** Milliseconds ffmpeg gets to end by itself. */
const GRACE = 1000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/**
 * Opens a source as a camera: one ffmpeg process, ended by `close` or with this process.
 * A source without a single readable frame makes `take` reject, as does the end of one that should go on; damage to a
 * recording after some frames ends it, with a warning.
 * @throws {EdgeError} `camera` when there is nothing to open, a region is no rectangle or there is no ffmpeg
 */
export async function openCamera(options: CameraOptions, ffmpeg = ffmpegPath()): Promise<Camera> {
	const { stall, onWarning } = options;
	const everyFrame = await passthrough(ffmpeg);
	const source = await located(options.source);
	const live = options.drop === undefined ? isLive(source) : options.drop === "oldest";
	const names = Object.keys(options.regions ?? {});
	const parts = Math.max(1, names.length);

	let child: ChildProcess;
	/** Whether nothing is expected of ffmpeg any more. */
	let over = false;
	const queue = frameQueue({ live, names, onRoom: () => flow(true) });

	/** The watchdog: runs while frames are wanted, and anew from each. */
	let silence: NodeJS.Timeout | undefined;
	const flow = (on: boolean) => {
		if (on) child.stdout?.resume();
		else child.stdout?.pause();
		clearTimeout(silence);
		silence = undefined;
		if (on && stall !== undefined && !over && running.has(child)) silence = setTimeout(giveUp, stall, stall);
	};
	const giveUp = (after: number) => {
		over = true;
		queue.end(new CameraError("timeout", `${nameOf(source)} has sent no frame for ${after / 1000} s`));
		shut();
		child.kill("SIGKILL");
	};
	// Blocked in a write to a pipe nobody reads, ffmpeg would not notice a signal.
	const shut = () => {
		child.stdout?.destroy();
		child.stderr?.destroy();
	};

	/** Runs ffmpeg to its end. */
	const play = (hwaccel: Hwaccel): Promise<void> => {
		const command = ffmpegArguments({ ...options, source, hwaccel }, everyFrame);
		const { folder } = inputOf(source, options.fps);
		const mine = spawn(folder === undefined ? ffmpeg : resolve(ffmpeg), command, {
			stdio: ["ignore", "pipe", "pipe"],
			...(folder === undefined ? {} : { cwd: folder }),
			// Ctrl-C reaches the whole foreground group; outside it ffmpeg goes on until what is in hand has been published.
			detached: process.platform !== "win32",
			windowsHide: true,
		});
		child = mine;
		running.add(mine);
		flow(true);
		const frames = cutter(options.width * options.height * 3 * parts, (stack) => {
			queue.push(unstacked(stack, parts));
			silence?.refresh();
		});
		const said = lastLines(100);
		mine.stdout.on("data", (chunk: Uint8Array) => {
			frames.push(chunk);
			if (queue.full) flow(false);
		});
		listen(mine.stderr, said.push);
		return new Promise<void>((done) => {
			mine.once("error", (cause) => {
				if (mine.pid !== undefined) return; // a signal that could not be delivered; the process still ends
				running.delete(mine);
				queue.end(new CameraError("unreadable", `ffmpeg could not be started: ${cause.message}`, { cause }));
				done();
			});
			mine.once("close", (code, signal) => {
				running.delete(mine);
				flow(false);
				const lines = said.lines();
				const { delivered } = queue;
				if (!over && hwaccel !== "none" && delivered === 0 && hardwareFailed(lines)) {
					onWarning?.(`${nameOf(source)} cannot be decoded with ${hwaccel}: the processor does it`);
					done(play("none"));
					return;
				}
				const ending = over
					? {}
					: judge({ ...options, source }, { code, signal, lines, delivered, rest: frames.rest() });
				if (ending.warning) onWarning?.(ending.warning);
				queue.end(ending.error);
				done();
			});
		});
	};
	const gone = play(options.hwaccel ?? "none");

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
			over = true;
			queue.end();
			flow(false);
			shut();
			child.kill("SIGTERM");
			const last = setTimeout(() => child.kill("SIGKILL"), GRACE);
			await gone;
			clearTimeout(last);
		},
	};
}
