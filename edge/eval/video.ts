import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCamera } from "../../adapters/camera.js";
import { ffmpegPath } from "../../adapters/ffmpeg.js";
import { videoFile } from "../../adapters/sources/source.js";
import { EdgeError } from "../../operators/types.js";

const RATE = "25";

/**
 * Frames as a camera's: encoded to H.264 as cameras do by default, and read back by the daemon's own camera. As many come
 * out as went in.
 * @param frames planes G, B, R of width × height bytes
 */
export async function* filmed(
	frames: AsyncIterable<Uint8Array>,
	{ width, height }: { readonly width: number; readonly height: number },
): AsyncGenerator<Uint8Array> {
	const folder = await mkdtemp(join(tmpdir(), "acclimate-eval-"));
	try {
		const file = join(folder, "clip.mp4");
		const encoded = await encode(frames, width, height, file);
		// Without the edge that was added to make the sides even.
		const region = [0, 0, width, height] as const;
		const camera = await openCamera({ source: videoFile(file), width, height, fit: "stretch", region });
		let count = 0;
		try {
			for (let taken = await camera.take(64, 0); taken.length > 0; taken = await camera.take(64, 0)) {
				count += taken.length;
				for (const { pixels } of taken) yield pixels;
			}
		} finally {
			await camera.close();
		}
		if (count !== encoded) throw new EdgeError("camera", `filmed ${encoded} frames and got ${count} back`);
	} finally {
		await rm(folder, { recursive: true });
	}
}

/** Writes the file, and gives how many frames are in it. */
async function encode(frames: AsyncIterable<Uint8Array>, width: number, height: number, file: string): Promise<number> {
	const raw = ["-f", "rawvideo", "-pix_fmt", "gbrp", "-s", `${width}x${height}`, "-r", RATE, "-i", "pipe:0"];
	// Chroma is stored at half the size, so that sides have to be even.
	const even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-crf", "23", "-pix_fmt", "yuv420p"];
	const child = spawn(ffmpegPath(), ["-v", "error", "-nostdin", ...raw, ...even, "-y", file], {
		stdio: ["pipe", "ignore", "ignore"],
	});
	const ended = once(child, "exit").catch((cause) => {
		throw new EdgeError("camera", `ffmpeg cannot be started: ${cause.message}`, { cause });
	});
	child.stdin.on("error", () => {}); // told by the exit code
	const drained = () => once(child.stdin, "drain").catch(() => {});
	let count = 0;
	for await (const frame of frames) {
		if (child.exitCode !== null) break;
		count++;
		if (!child.stdin.write(frame)) await Promise.race([drained(), ended]);
	}
	child.stdin.end();
	const [code] = await ended;
	if (code !== 0) throw new EdgeError("camera", `ffmpeg cannot encode H.264 (exit code ${code}); it needs libx264`);
	return count;
}
