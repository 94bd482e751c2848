import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { type CameraOptions, ffmpegArguments } from "../../adapters/camera.js";
import { ffmpegPath, passthrough } from "../../adapters/ffmpeg.js";
import { sessionOptions } from "../../adapters/model.session.js";
import { nameOf } from "../../adapters/sources/source.js";
import { packed } from "../../operators/batch.js";
import { type Bundle, EdgeError } from "../../operators/types.js";
import { defaultThreads } from "../settings.js";

/** Frames a second of the very ffmpeg command that the camera runs, its output thrown away; the clip has `frames`. */
export const ffmpegAlone = async (clip: CameraOptions, frames: number): Promise<number> => {
	const ffmpeg = ffmpegPath();
	const command = ffmpegArguments(clip, await passthrough(ffmpeg));
	const started = performance.now();
	const [code] = await once(spawn(ffmpeg, command, { stdio: "ignore" }), "close");
	if (code !== 0) throw new EdgeError("camera", `${nameOf(clip.source)}: ffmpeg ended with ${code}`);
	return frames / ((performance.now() - started) / 1e3);
};

/** Frames a second of ONNX Runtime on batches of the same size, with nothing around it. */
export const runtimeAlone = async (
	{ directory, manifest, source }: Bundle,
	pictures: readonly Uint8Array[],
	batch: number,
): Promise<number> => {
	const session = await shared(join(directory, manifest.model.file));
	const { height, width } = manifest.input;
	const frames = pictures.slice(0, batch).map((pixels, index) => ({ index, capturedAt: 0, pixels }));
	const feeds = {
		pixels: new Tensor("uint8", packed(frames), [batch, 3, height, width]),
		affine: new Tensor("float32", source.affine, [source.affine.length]),
	};
	const runs = Math.floor(pictures.length / batch);
	const started = performance.now();
	for (let i = 0; i < runs; i++) await session.run(feeds);
	return (runs * batch) / ((performance.now() - started) / 1e3);
};

/** One session for all rounds: making and releasing sessions again and again leaks. */
let opened: Promise<InferenceSession> | undefined;
const shared = (path: string) => {
	opened ??= InferenceSession.create(path, sessionOptions(defaultThreads()));
	return opened;
};
