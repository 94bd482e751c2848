import { execFile } from "node:child_process";
import { accessSync, chmodSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { EdgeError, type Fit } from "../operators/types.js";

/** A rectangle of the picture in pixels: left, top, width, height. */
export type Region = readonly [x: number, y: number, width: number, height: number];

/** How a picture becomes the model's input of `width` × `height` pixels; `region` is cut out first. */
export interface Fitting {
	readonly width: number;
	readonly height: number;
	readonly fit: Fit;
	readonly region?: Region;
}

// Bilinear with exact rounding repeats to the byte; swscale's faster defaults depend on the processor.
const SCALER = "flags=bilinear+accurate_rnd+full_chroma_int";

/**
 * The value of ffmpeg's `-vf` that cuts, scales and fits a picture and leaves planes G, B, R of exactly `width` × `height` bytes.
 * @throws {EdgeError} `camera` when the region is not four whole numbers that make a rectangle
 */
export function fitFilter({ width, height, fit, region }: Fitting): string {
	const cut = region ? `${cropFilter(region)},` : "";
	// The conversion to planes stands right behind the scaler: anywhere else ffmpeg would insert a second scaler with other flags.
	const scale = (aspect: string) => `${cut}scale=${width}:${height}${aspect}:${SCALER},format=gbrp`;
	switch (fit) {
		case "stretch":
			return scale("");
		case "crop":
			return `${scale(":force_original_aspect_ratio=increase")},crop=${width}:${height}`;
		case "pad":
			return `${scale(":force_original_aspect_ratio=decrease")},pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`;
	}
}

function cropFilter(region: Region): string {
	const [x, y, width, height] = region;
	if (region.length !== 4 || !region.every(Number.isSafeInteger) || x < 0 || y < 0 || width < 1 || height < 1) {
		throw new EdgeError(
			"camera",
			`region [${region.join(", ")}] is not a rectangle: left, top, width, height in pixels`,
		);
	}
	// ffmpeg would silently move a region that sticks out of the picture; a width of 0 makes it fail instead.
	// exact: without it odd numbers are rounded down to the chroma grid.
	const inside = `gte(iw,${x + width})*gte(ih,${y + height})`;
	return `crop='if(${inside},${width},0)':${height}:${x}:${y}:exact=1`;
}

let found: string | undefined;

/**
 * The ffmpeg to run: the one on the PATH, else the static one that npm installed. Looked up once.
 * @throws {EdgeError} `camera` when there is neither
 */
export function ffmpegPath(): string {
	found ??= systemFfmpeg() ?? bundledFfmpeg();
	if (found === undefined) {
		throw new EdgeError(
			"camera",
			"ffmpeg was not found on the PATH, and npm has none for this machine: install ffmpeg",
		);
	}
	return found;
}

/** The first executable called ffmpeg in the directories of `path`. */
export function systemFfmpeg(path = process.env.PATH ?? ""): string | undefined {
	const name = process.platform === "win32" ? "ffmpeg.exe" : "ffmpeg";
	return path
		.split(delimiter)
		.filter((directory) => directory !== "")
		.map((directory) => join(directory, name))
		.find(isExecutable);
}

/** The static ffmpeg of @ffmpeg-installer, made executable where the package manager left that undone. */
export function bundledFfmpeg(): string | undefined {
	let path: string;
	try {
		path = (createRequire(import.meta.url)("@ffmpeg-installer/ffmpeg") as { path: string }).path;
	} catch {
		return undefined; // not installed, or no build for this platform
	}
	if (!isExecutable(path)) {
		try {
			chmodSync(path, 0o755);
		} catch {
			return undefined; // someone else's file; the spawn would fail too
		}
	}
	return path;
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile();
	} catch {
		return false;
	}
}

const asked = new Map<string, Promise<readonly string[]>>();

/**
 * The output option by which this ffmpeg hands on every frame it decodes, none repeated or left out. Asked once of each.
 * @throws {EdgeError} `camera` when the program does not run
 */
export function passthrough(ffmpeg: string): Promise<readonly string[]> {
	let answer = asked.get(ffmpeg);
	if (answer === undefined) {
		answer = askVersion(ffmpeg).then(passthroughOf);
		asked.set(ffmpeg, answer);
	}
	return answer;
}

async function askVersion(ffmpeg: string): Promise<string> {
	try {
		return (await promisify(execFile)(ffmpeg, ["-version"], { timeout: 10_000 })).stdout;
	} catch (cause) {
		asked.delete(ffmpeg);
		throw new EdgeError("camera", `${ffmpeg} does not run: ${(cause as Error).message.split("\n")[0]}`, { cause });
	}
}

/** `-fps_mode` came with 5.1 and `-vsync` goes with 9; what `ffmpeg -version` says decides. */
export function passthroughOf(version: string): readonly string[] {
	const release = /^ffmpeg version n?(\d+)\./.exec(version)?.[1];
	const year = /Copyright \(c\) 2000-(\d+)/.exec(version)?.[1];
	// Builds between releases are named after commits; they tell their year.
	const recent = release === undefined ? Number(year) > 2022 : Number(release) > 5;
	return recent ? ["-fps_mode", "passthrough"] : ["-vsync", "0"];
}
