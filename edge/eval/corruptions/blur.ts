import type { Image } from "../image.js";
import { convolve, disk, gaussianBlur, streak } from "./filter.js";
import { mapPlanes } from "./planes.js";
import { between, type Random, roundAtRandom } from "./random.js";
import { resample } from "./sample.js";
import { type Five, perFrame, pixels } from "./severity.js";

/** A lens out of focus. Constants: radius of the disk that a point becomes, in pixels. */
export const defocusBlur = perFrame("defocus-blur", [3, 4, 6, 8, 10], (image, radius) => {
	const { width, height } = image;
	const taps = disk(pixels(image, radius));
	return mapPlanes(image, (plane) => convolve(plane, width, height, taps));
});

const GLASS: Five<readonly [sigma: number, reach: number, rounds: number]> = [
	[0.7, 1, 2],
	[0.9, 2, 1],
	[1, 2, 3],
	[1.1, 3, 2],
	[1.5, 4, 2],
];

/** Frosted glass: blurred, then pixels change places with one within reach, then blurred again. */
export const glassBlur = perFrame("glass-blur", GLASS, (image, [sigma, reach, rounds], random) => {
	const { width, height } = image;
	const blurred = (picture: Image) =>
		mapPlanes(picture, (plane) => gaussianBlur(plane, width, height, pixels(image, sigma)));
	const places = shuffledNearby(width, height, pixels(image, reach), rounds, random);
	const shuffled = (picture: Image) => mapPlanes(picture, (plane) => plane.map((_, i) => plane[places[i]]));
	return blurred(shuffled(blurred(image)));
});

/** For every pixel the one that comes to its place. Of a reach below a pixel is left that few pixels move. */
function shuffledNearby(width: number, height: number, reach: number, rounds: number, random: Random): Int32Array {
	const places = Int32Array.from({ length: width * height }, (_, i) => i);
	const moved = (place: number, size: number) => {
		const to = place + roundAtRandom(between(random, -reach, reach), random);
		return Math.max(0, Math.min(size - 1, to));
	};
	for (let round = 0; round < rounds; round++) {
		for (let y = height - 1, i = places.length - 1; y >= 0; y--) {
			for (let x = width - 1; x >= 0; x--, i--) {
				const other = moved(y, height) * width + moved(x, width);
				const place = places[i];
				places[i] = places[other];
				places[other] = place;
			}
		}
	}
	return places;
}

const MOTION: Five<readonly [radius: number, sigma: number]> = [
	[10, 3],
	[15, 5],
	[15, 8],
	[15, 12],
	[20, 15],
];

/** A camera that moves sideways; the streak is one diameter of the published kernel long. */
export const motionBlur = perFrame("motion-blur", MOTION, (image, [radius, sigma], random) => {
	const { width, height } = image;
	const taps = streak(pixels(image, 2 * radius), pixels(image, sigma), between(random, -45, 45));
	return mapPlanes(image, (plane) => convolve(plane, width, height, taps));
});

const ZOOM: Five<readonly [last: number, step: number]> = [
	[1.1, 0.01],
	[1.15, 0.01],
	[1.2, 0.02],
	[1.24, 0.02],
	[1.3, 0.03],
];

/** A camera that moves forward: the mean of enlargements, the picture itself counted once more. */
export const zoomBlur = perFrame("zoom-blur", ZOOM, (image, [last, step]) => {
	const { width, height } = image;
	const zooms = Array.from({ length: Math.round((last - 1) / step) + 1 }, (_, i) => 1 + i * step);
	const size = [width, height] as const;
	const origin = (zoom: number) => [((width - 1) / 2) * (1 - 1 / zoom), ((height - 1) / 2) * (1 - 1 / zoom)] as const;
	return mapPlanes(image, (plane) => {
		const sum = Float32Array.from(plane);
		for (const zoom of zooms) {
			const enlarged = resample(plane, size, size, 1 / zoom, origin(zoom));
			for (let i = 0; i < sum.length; i++) sum[i] += enlarged[i];
		}
		return sum.map((value) => value / (zooms.length + 1));
	});
});
