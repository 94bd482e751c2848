import { corruptionOf } from "./corruptions/corruptions.js";
import type { Data } from "./data.js";
import type { Image } from "./image.js";
import { toImage, toPixels } from "./pictures.js";
import { randomOf } from "./random.js";
import type { Shot } from "./showing.js";
import { domainName, type Segment } from "./streams.js";
import { filmed } from "./video.js";

/** The size of a model's input. */
export interface Size {
	readonly width: number;
	readonly height: number;
}

/**
 * The frames of a stream in order, the same for every method.
 * @param video whether they are played through ffmpeg as a camera's video would be
 */
export async function* footage(
	segments: readonly Segment[],
	video: boolean,
	data: Data,
	size: Size,
	seed: number,
): AsyncGenerator<Shot> {
	const facts = segments.flatMap(({ domain, pictures, round }, visit) =>
		pictures.map((picture) => ({ label: data.labels[picture], domain: domainName(domain), visit, round })),
	);
	let at = 0;
	const frames = inWeather(segments, data, size, seed, video);
	for await (const pixels of video ? filmed(frames, size) : frames) yield { pixels, ...facts[at++] };
}

async function* inWeather(
	segments: readonly Segment[],
	data: Data,
	size: Size,
	seed: number,
	moving: boolean,
): AsyncGenerator<Uint8Array> {
	for (const [visit, segment] of segments.entries()) yield* corrupted(segment, visit, data, size, seed, moving);
}

/** Corruptions that do not change from frame to frame of one visit. */
const ON_THE_LENS = ["frost", "rain", "dirt"];

/** Frames that go through a codec as one clip, a multiple of its key frames' distance: more would fill the memory. */
const CLIP = 240;

/** A segment's pictures in their weather; `moving`: panned a little from frame to frame, as what passes a camera is. */
async function* corrupted(
	{ domain, pictures }: Segment,
	visit: number,
	data: Data,
	{ width, height }: Size,
	seed: number,
	moving: boolean,
): AsyncGenerator<Uint8Array> {
	const pan = randomOf(seed, visit, 7);
	const offset = { x: 0, y: 0 };
	const image = async (picture: number): Promise<Image> => {
		const still = toImage(await data.picture(picture), width, height);
		if (!moving) return still;
		for (const axis of ["x", "y"] as const)
			offset[axis] = Math.max(-4, Math.min(4, offset[axis] + Math.round(2 * pan() - 1)));
		return panned(still, offset.x, offset.y);
	};
	if (domain.corruption === undefined) {
		for (const picture of pictures) yield moving ? toPixels(await image(picture)) : data.picture(picture);
		return;
	}
	const corruption = corruptionOf(domain.corruption);
	if (corruption.kind === "clip") {
		for (let from = 0; from < pictures.length; from += CLIP) {
			const clip: Image[] = [];
			for (const picture of pictures.slice(from, from + CLIP)) clip.push(await image(picture));
			for (const frame of await corruption.apply(clip, domain.severity)) yield toPixels(frame);
		}
		return;
	}
	const stays = ON_THE_LENS.includes(domain.corruption);
	for (const [i, picture] of pictures.entries()) {
		const random = randomOf(seed, visit, stays ? 0 : i, 11);
		yield toPixels(corruption.apply(await image(picture), domain.severity, random));
	}
}

/** Moved by whole pixels, edges repeated. */
function panned({ width, height, data }: Image, dx: number, dy: number): Image {
	const within = (value: number, length: number) => Math.max(0, Math.min(length - 1, value));
	const moved = new Float32Array(data.length);
	for (let i = 0; i < data.length; i++) {
		const [plane, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
		moved[i] = data[plane * width * height + within(y + dy, height) * width + within(x + dx, width)];
	}
	return { width, height, data: moved };
}
