import type { Image } from "../image.js";
import { gaussianBlur } from "./filter.js";
import { mapPlanes, type Plane, plane } from "./planes.js";
import { between, type Random } from "./random.js";
import { resample, warp } from "./sample.js";
import { type Five, perFrame, pixels } from "./severity.js";

/** What is left of each value's distance from its channel's mean. */
export const contrast = perFrame("contrast", [0.4, 0.3, 0.2, 0.1, 0.05], (image, left) =>
	mapPlanes(image, (values) => {
		const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
		return values.map((value) => mean + left * (value - mean));
	}),
);

/** A smaller picture, shown without smoothing. Constants: its side as a share of the picture's, the same at every size. */
export const pixelate = perFrame("pixelate", [0.6, 0.5, 0.4, 0.3, 0.25], (image, share) => {
	const { width, height } = image;
	const columns = boxes(width, share);
	const rows = boxes(height, share);
	return mapPlanes(image, (values) => {
		const sums = new Float32Array(columns.count * rows.count);
		const cell = (x: number, y: number) => rows.of[y] * columns.count + columns.of[x];
		const sizes = plane(columns.count, rows.count, (x, y) => columns.size[x] * rows.size[y]);
		for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++) sums[cell(x, y)] += values[i++];
		return plane(width, height, (x, y) => sums[cell(x, y)] / sizes[cell(x, y)]);
	});
});

/** Which of `share` · `length` boxes each pixel of a row is in, and how many pixels each box has. */
function boxes(length: number, share: number): { count: number; of: Int32Array; size: Int32Array } {
	const count = Math.max(1, Math.floor(length * share));
	const of = Int32Array.from({ length }, (_, i) => Math.floor((i * count) / length));
	const size = new Int32Array(count);
	for (const box of of) size[box]++;
	return { count, of, size };
}

/** Strength and smoothness of the random displacement, and how far the corners of the random affine map move, in pixels. */
const ELASTIC: Five<readonly [alpha: number, sigma: number, affine: number]> = [
	[244 * 2, 244 * 0.7, 244 * 0.1],
	[244 * 2, 244 * 0.08, 244 * 0.2],
	[244 * 0.05, 244 * 0.01, 244 * 0.02],
	[244 * 0.07, 244 * 0.01, 244 * 0.02],
	[244 * 0.12, 244 * 0.01, 244 * 0.02],
];

/** A rubber sheet: a random affine map and a smooth random displacement; large ones first, small ones from severity 3. */
export const elastic = perFrame("elastic", ELASTIC, (image, [alpha, sigma, affine], random) => {
	const { width, height } = image;
	const smoothness = pixels(image, sigma);
	const [dx, dy] = [0, 1].map(() => smoothNoise(width, height, smoothness, random));
	// The published noise has one value per pixel of 224 × 224, so its strength takes the scale twice.
	const strength = pixels(image, pixels(image, alpha));
	const source = affineMap(image, pixels(image, affine), random);
	const xs = new Float32Array(width * height);
	const ys = new Float32Array(width * height);
	for (let y = 0, i = 0; y < height; y++) {
		for (let x = 0; x < width; x++, i++) [xs[i], ys[i]] = source(x + strength * dx[i], y + strength * dy[i]);
	}
	return warp(image, xs, ys);
});

/** What a blur as wide as `sigma` leaves of uniform noise of -1 to 1, drawn on a coarser grid where nobody sees the difference. */
function smoothNoise(width: number, height: number, sigma: number, random: Random): Plane {
	const cell = Math.max(1, sigma / 4);
	const cells = [Math.ceil(width / cell) + 1, Math.ceil(height / cell) + 1] as const;
	// As weak as the mean of all the values in the cell.
	const noise = plane(...cells, () => between(random, -1, 1) / cell);
	return resample(gaussianBlur(noise, ...cells, sigma / cell), cells, [width, height], 1 / cell, [0, 0]);
}

type Point = readonly [x: number, y: number];

/** Where a pixel comes from when three corners of a square around the middle move by up to `reach` in x and y. */
function affineMap({ width, height }: Image, reach: number, random: Random): (x: number, y: number) => Point {
	const [x, y, half] = [width / 2, height / 2, Math.min(width, height) / 3];
	const corners: readonly Point[] = [
		[x + half, y + half],
		[x + half, y - half],
		[x - half, y - half],
	];
	const moved = corners.map(
		([u, v]): Point => [u + between(random, -reach, reach), v + between(random, -reach, reach)],
	);
	// A point is the first corner and shares of the two edges from it; the shares stay.
	const [[ax, ay], [bx, by], [cx, cy]] = moved;
	const [[px, py], [qx, qy], [rx, ry]] = corners;
	const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
	return (u, v) => {
		const s = ((u - ax) * (cy - ay) - (cx - ax) * (v - ay)) / area;
		const t = ((bx - ax) * (v - ay) - (u - ax) * (by - ay)) / area;
		return [px + s * (qx - px) + t * (rx - px), py + s * (qy - py) + t * (ry - py)];
	};
}
