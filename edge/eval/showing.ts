import type { Clip } from "./clip.js";
import type { Data } from "./data.js";
import { footage, type Size } from "./footage.js";
import { WINDOW } from "./method.js";
import type { Domain, Stream } from "./streams.js";

/** One frame of a stream, and what is really in it. */
export interface Shot {
	/** Planes G, B, R. */
	readonly pixels: Uint8Array;
	/** Undefined where nobody has said: methods see the frame and are not judged by it. */
	readonly label: number | undefined;
	/** Such as `fog 5` or `clean`. */
	readonly domain: string;
	/** The place of its segment in the stream, from 0. */
	readonly visit: number;
	readonly round: number;
}

/** One stream with one seed. */
export interface Showing {
	/** The stream's name. */
	readonly stream: string;
	readonly seed: number;
	/** Frames that a learning step looks at. */
	readonly window: number;
	/** Frames that have a label. */
	readonly frames: number;
	/** The frames, the same every time. */
	shots(): AsyncIterable<Shot>;
}

/** Labelled pictures as a stream. */
export function showPictures(
	stream: Stream,
	data: Data,
	size: Size,
	{ domains, frames, seed }: { readonly domains: readonly Domain[]; readonly frames: number; readonly seed: number },
): Showing {
	const segments = stream.segments({ labels: data.labels, domains, frames, seed });
	return {
		stream: stream.name,
		seed,
		window: stream.window,
		frames: segments.reduce((sum, { pictures }) => sum + pictures.length, 0),
		shots: () => footage(segments, stream.video ?? false, data, size, seed),
	};
}

/** A labelled clip as a stream; only what methods draw differs from seed to seed. */
export const showClip = ({ name, frames, shots }: Clip, seed: number): Showing => ({
	stream: name,
	seed,
	window: WINDOW,
	frames,
	shots,
});
