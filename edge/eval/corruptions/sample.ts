import type { Image } from "../image.js";
import { mapPlanes, type Plane } from "./planes.js";

/** A place between pixels: its row-major neighbour to the upper left, and the shares of the ones to the right and below. */
const neighbours = (place: number, size: number): [first: number, second: number, share: number] => {
	// Mirrored at the edge as `mirrored` does; further out, the edge itself.
	const inside = place < 0 ? -place : place > size - 1 ? 2 * (size - 1) - place : place;
	const clamped = Math.max(0, Math.min(size - 1, inside));
	const first = Math.floor(clamped);
	return [first, Math.min(first + 1, size - 1), clamped - first];
};

/** The picture whose every pixel is taken from the place (xs, ys) of this one, bilinearly. */
export function warp(image: Image, xs: ArrayLike<number>, ys: ArrayLike<number>): Image {
	const { width, height } = image;
	const area = width * height;
	const corners = new Int32Array(4 * area);
	const shares = new Float32Array(2 * area);
	for (let i = 0; i < area; i++) {
		const [left, right, shareX] = neighbours(xs[i], width);
		const [top, bottom, shareY] = neighbours(ys[i], height);
		corners[4 * i] = top * width + left;
		corners[4 * i + 1] = top * width + right;
		corners[4 * i + 2] = bottom * width + left;
		corners[4 * i + 3] = bottom * width + right;
		shares[2 * i] = shareX;
		shares[2 * i + 1] = shareY;
	}
	return mapPlanes(image, (plane) => {
		const taken = new Float32Array(area);
		for (let i = 0; i < area; i++) {
			const share = shares[2 * i];
			const above = (1 - share) * plane[corners[4 * i]] + share * plane[corners[4 * i + 1]];
			const below = (1 - share) * plane[corners[4 * i + 2]] + share * plane[corners[4 * i + 3]];
			taken[i] = above + shares[2 * i + 1] * (below - above);
		}
		return taken;
	});
}

/** A plane of another size: pixel (x, y) is taken bilinearly from (originX + x · step, originY + y · step) of `plane`. */
export function resample(
	plane: Plane,
	[width, height]: readonly [number, number],
	[newWidth, newHeight]: readonly [number, number],
	step: number,
	[originX, originY]: readonly [number, number],
): Plane {
	const [lefts, rights] = [new Int32Array(newWidth), new Int32Array(newWidth)];
	const shares = new Float32Array(newWidth);
	for (let x = 0; x < newWidth; x++) [lefts[x], rights[x], shares[x]] = neighbours(originX + x * step, width);
	const taken = new Float32Array(newWidth * newHeight);
	const row = new Float32Array(width);
	for (let y = 0, i = 0; y < newHeight; y++) {
		const [top, bottom, share] = neighbours(originY + y * step, height);
		for (let x = 0; x < width; x++) {
			const above = plane[top * width + x];
			row[x] = above + share * (plane[bottom * width + x] - above);
		}
		for (let x = 0; x < newWidth; x++) {
			const left = row[lefts[x]];
			taken[i++] = left + shares[x] * (row[rights[x]] - left);
		}
	}
	return taken;
}
