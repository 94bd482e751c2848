import { isIP } from "node:net";
import { CameraError, type CameraReason } from "../../operators/types.js";
import type { Region } from "../ffmpeg.js";
import type { Picture } from "./filter.js";
import { inputOf } from "./input.js";
import { isEndless, nameOf, type Source } from "./source.js";

/** What ffmpeg says, as this project says it; the first that fits counts. */
const CAUSES: readonly (readonly [said: RegExp, reason: CameraReason, sentence: string])[] = [
	[/401 Unauthorized|403 Forbidden|authorization failed/, "auth", "wants a user and a password, or other ones"],
	[/\[tls @|certificate/i, "tls", "cannot be reached over TLS"],
	[/404 Not Found/, "not-found", "is not there: its server knows no such path"],
	[/Connection refused/, "refused", "refuses the connection: nothing listens there"],
	[/resolve hostname|Name or service not known/, "unreachable", "cannot be reached: its host's name is not known"],
	[/No route to host|Network is unreachable/, "unreachable", "cannot be reached: there is no way to its host"],
	[/timed out/i, "timeout", "does not answer"],
	[/5XX Server Error/, "unreadable", "cannot be read: its server has failed"],
	[/moov atom/, "unreadable", "is no video, or a recording that was cut off: the index at its end (moov) is missing"],
	[/does not contain any stream|matches no streams/, "unreadable", "has no video in it"],
	[/Format not on whitelist/, "unreadable", "is not in one of the video formats that are read"],
	[
		/Decoder .* not found|Unknown decoder|no decoder|Could not find codec parameters/i,
		"codec",
		"is in a format that this ffmpeg cannot decode",
	],
	[/Permission denied/, "auth", "may not be read: permission denied"],
	[/Inappropriate ioctl|Not a video capture device/, "unreadable", "is not a camera"],
	[/No such file or directory/, "not-found", "does not exist"],
	[/Device or resource busy/, "unreadable", "is in use by another program"],
	[/Invalid data found when processing input|Invalid argument/, "unreadable", "is not a video"],
];

/** A camera as far as sentences about it need to know it. */
export interface Told extends Pick<Picture, "region" | "regions" | "rotate"> {
	readonly source: Source;
	readonly hwaccel?: string;
}

/** What is known of an ffmpeg that has ended. */
export interface Ending {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly lines: readonly string[];
	/** Pictures it had delivered, and bytes of one that it did not finish. */
	readonly delivered: number;
	readonly rest: number;
}

/** What to make of ffmpeg's end: an error for the next `take`, a warning, or nothing. */
export function judge(
	told: Told,
	{ code, signal, lines, delivered, rest }: Ending,
): { readonly error?: CameraError; readonly warning?: string } {
	const name = nameOf(told.source);
	const failed = (reason: CameraReason, sentence: string) => ({ error: new CameraError(reason, sentence) });
	if (signal !== null && CRASHES.includes(signal)) {
		return failed("unreadable", `${name}: ffmpeg crashed (${signal})${delivered === 0 ? hintOf(told.source) : ""}`);
	}
	if (signal || lines.some((line) => line.includes("received signal"))) {
		return failed("unreadable", `${name}: ffmpeg was stopped from outside${signal ? ` (${signal})` : ""}`);
	}
	const detail = complaints(told.source, ofPictures(told, lines)).at(-1);
	if (delivered === 0) {
		return code === 0 && !detail
			? failed("unreadable", `${name} has no pictures in it`)
			: { error: explain(told, lines) };
	}
	if (isEndless(told.source)) {
		// What is said of single pictures on the way is no reason for the end.
		const cause = causeOf(told.source, lines.slice(-LAST));
		if (cause) return failed(cause.reason, `${name} ${cause.sentence}`);
		return failed("ended", `${name} has ended${detail ? `: ${detail}` : ""}`);
	}
	if (code !== 0 || rest > 0 || detail) {
		const half = rest > 0 ? " and a part of one" : "";
		const why = detail ?? (code !== 0 ? `ffmpeg ended with ${code}` : "it ends in mid-frame");
		return { warning: `${name} looks damaged: ${delivered} frames${half} could be read (${why})` };
	}
	return {};
}

const CRASHES: readonly NodeJS.Signals[] = ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"];

/** A static program cannot always look names up. */
const hintOf = (source: Source): string =>
	source.kind === "stream" && isIP(new URL(source.url).hostname) === 0
		? " — the one that npm installs cannot look up a host's name: install ffmpeg, or give an address"
		: "";

/**
 * What was said once there were pictures. With `-hwaccel auto` ffmpeg complains of each kind of hardware that is not there
 * and goes on without.
 */
function ofPictures({ hwaccel = "none" }: Told, lines: readonly string[]): readonly string[] {
	return hwaccel === "none" ? lines : lines.slice(lines.findIndex((line) => line.startsWith("[info] Output #0")) + 1);
}

/** Lines at ffmpeg's end that may say why it came. */
const LAST = 3;

/** One sentence about a source that gave no picture, from what ffmpeg said. */
export function explain(told: Told, lines: readonly string[]): CameraError {
	const name = nameOf(told.source);
	const outside = outsideOf(told, lines);
	if (outside) return new CameraError("unreadable", `${name}: ${outside}`);
	const cause = causeOf(told.source, lines);
	if (cause) return new CameraError(cause.reason, `${name} ${cause.sentence}`);
	const last = complaints(told.source, lines).at(-1);
	return new CameraError("unreadable", `${name} cannot be read: ${last ?? "ffmpeg did not say why"}`);
}

function causeOf(
	source: Source,
	lines: readonly string[],
): { readonly reason: CameraReason; readonly sentence: string } | undefined {
	const errors = lines.filter((line) => LEVEL.test(line));
	for (const [said, reason, sentence] of CAUSES) {
		const line = errors.find((error) => said.test(error));
		if (line === undefined) continue;
		return { reason, sentence: reason === "tls" ? `${sentence}: ${complaints(source, [line])[0]}` : sentence };
	}
	return undefined;
}

/** A sentence about a region that sticks out of the picture, where ffmpeg complains of one. */
function outsideOf({ region, regions, rotate }: Told, lines: readonly string[]): string | undefined {
	if (!lines.some((line) => line.includes("Invalid too big or non positive size"))) return undefined;
	const areas: [string, Region][] = [
		...(region ? [["region", region] as [string, Region]] : []),
		...Object.entries(regions ?? {}).map(([name, area]): [string, Region] => [`region ${name}`, area]),
	];
	const found = lines.map((line) => / Video: .* (\d+)x(\d+)[ ,]/.exec(line)).find((match) => match !== null);
	const [width, height] = (rotate === 90 || rotate === 270 ? [2, 1] : [1, 2]).map((i) => Number(found?.[i]));
	const wrong = found ? areas.find(([, [x, y, w, h]]) => x + w > width || y + h > height) : areas[0];
	if (wrong === undefined) return undefined;
	const [name, area] = wrong;
	return `${name} [${area.join(", ")}] reaches outside the picture${found ? ` of ${width}×${height}` : ""}`;
}

const LEVEL = /\[(error|fatal|panic)\]/;

/** The errors among ffmpeg's lines, without prefixes and the source, whose URL may hold a password. */
function complaints(source: Source, lines: readonly string[]): string[] {
	const { from } = inputOf(source, undefined);
	return lines
		.filter((line) => LEVEL.test(line))
		.map((line) =>
			line
				.replace(/^.*?\[(?:error|fatal|panic)\] /, "")
				.replaceAll(`${from}: `, "")
				.replace(/([a-z]+:\/\/)\S*@/g, "$1***@"),
		);
}

/** Whether ffmpeg failed for want of the hardware it was to decode with. */
export const hardwareFailed = (lines: readonly string[]): boolean =>
	lines.some(
		(line) => LEVEL.test(line) && /Device creation failed|No device available|hwaccel|Device setup failed/.test(line),
	);
