import { concatMap, type OperatorFunction, pipe, takeWhile } from "rxjs";
import type { Camera, Decoded, Round } from "./types.js";

/** Asks the camera for the next frames; the round, and with it the pipeline, ends when there are none. */
export const decode = (
	camera: Camera,
	{ frames, patience }: { frames: number; patience: number },
): OperatorFunction<Round, Decoded> =>
	pipe(
		concatMap(async (round: Round) => ({ ...round, frames: await camera.take(frames, patience) })),
		takeWhile((step) => step.frames.length > 0),
	);
