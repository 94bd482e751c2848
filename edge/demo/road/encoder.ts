import { spawn } from "node:child_process";
import { once } from "node:events";
import { FPS, HEIGHT, WIDTH } from "./view.js";

/** Frames that get only a share of the bits they ask for: noise asks for more than all the rest. */
export interface Zone {
	readonly from: number;
	/** The frame after the last one. */
	readonly to: number;
	readonly share: number;
}

/** The ffmpeg arguments that turn raw RGB frames on stdin into a video file. */
export const encoderArguments = (file: string, quality: number, zones: readonly Zone[]): string[] => [
	...["-hide_banner", "-loglevel", "error", "-y"],
	...["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${WIDTH}x${HEIGHT}`, "-r", String(FPS), "-i", "pipe:0"],
	...["-c:v", "libx264", "-preset", "slow", "-crf", String(quality), "-pix_fmt", "yuv420p", "-g", "125"],
	...["-x264-params", `zones=${zones.map(({ from, to, share }) => `${from},${to - 1},b=${share}`).join("/")}`],
	// One thread and no version strings: an encoder run twice should agree with itself.
	...["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"],
	...["-movflags", "+faststart", "-f", "mp4", file],
];

/** Runs ffmpeg and feeds it the frames as they come. */
export const encode = async (frames: Iterable<Uint8Array>, ffmpegArguments: readonly string[]): Promise<void> => {
	const ffmpeg = spawn("ffmpeg", ffmpegArguments, { stdio: ["pipe", "inherit", "inherit"] });
	const ended = once(ffmpeg, "close");
	for (const frame of frames) if (!ffmpeg.stdin.write(frame)) await once(ffmpeg.stdin, "drain");
	ffmpeg.stdin.end();
	const [code] = await ended;
	if (code !== 0) throw new Error(`ffmpeg ended with code ${code}`);
};
