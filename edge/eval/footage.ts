import { corruptionOf } from "./corruptions/corruptions.js";
import type { Data } from "./data.js";
import type { Image } from "./image.js";
import { toImage, toPixels } from "./pictures.js";
import { randomOf } from "./random.js";
import { domainName, type Segment, type Stream } from "./streams.js";
import { filmed } from "./video.js";

/** One frame of a stream, and what is really in it. */
export interface Shot {
	/** Planes G, B, R. */
	readonly pixels: Uint8Array;
	readonly label: number;
	/** Such as `fog 5` or `clean`. */
	readonly domain: string;
	/** The place of its segment in the stream, from 0. */
	readonly visit: number;
	readonly round: number;
}

/** The size of a model's input. */
export interface Size {
	readonly width: number;
	readonly height: number;
}

/** The frames of a stream in order, the same for every method. */
export async function* footage(
	stream: Stream,
	segments: readonly Segment[],
	data: Data,
	size: Size,
	seed: number,
): AsyncGenerator<Shot> {
	const facts = segments.flatMap(({ domain, pictures, round }, visit) =>
		pictures.map((picture) => ({ label: data.labels[picture], domain: domainName(domain), visit, round })),
	);
	let at = 0;
	const shots = segments.entries();
	if (!stream.video) {
		for (const [visit, segment] of shots) {
			for await (const pixels of corrupted(segment, visit, data, size, seed)) yield { pixels, ...facts[at++] };
		}
		return;
	}
	const frames: Uint8Array[] = [];
	for (const [visit, segment] of shots) {
		for await (const pixels of corrupted(segment, visit, data, size, seed, true)) frames.push(pixels);
	}
	for await (const pixels of filmed(frames, size)) yield { pixels, ...facts[at++] };
}

/** Corruptions that do not change from frame to frame of one visit. */
const ON_THE_LENS = ["frost", "rain", "dirt"];

/** A segment's pictures in their weather; `moving`: panned a little from frame to frame, as what passes a camera is. */
async function* corrupted(
	{ domain, pictures }: Segment,
	visit: number,
	data: Data,
	{ width, height }: Size,
	seed: number,
	moving = false,
): AsyncGenerator<Uint8Array> {
	const pan = randomOf(seed, visit, 7);
	const offset = { x: 0, y: 0 };
	const image = (picture: number): Image => {
		const still = toImage(data.pixels[picture], width, height);
		if (!moving) return still;
		for (const axis of ["x", "y"] as const)
			offset[axis] = Math.max(-4, Math.min(4, offset[axis] + Math.round(2 * pan() - 1)));
		return panned(still, offset.x, offset.y);
	};
	if (domain.corruption === undefined) {
		for (const picture of pictures) yield moving ? toPixels(image(picture)) : data.pixels[picture];
		return;
	}
	const corruption = corruptionOf(domain.corruption);
	if (corruption.kind === "clip") {
		for (const frame of await corruption.apply(pictures.map(image), domain.severity)) yield toPixels(frame);
		return;
	}
	const stays = ON_THE_LENS.includes(domain.corruption);
	for (const [i, picture] of pictures.entries()) {
		yield toPixels(corruption.apply(image(picture), domain.severity, randomOf(seed, visit, stays ? 0 : i, 11)));
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
