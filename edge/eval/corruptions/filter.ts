import type { Plane } from "./planes.js";

/** A weight of a kernel: the pixel `dx` to the right and `dy` below counts so much. */
export interface Tap {
	readonly dx: number;
	readonly dy: number;
	readonly weight: number;
}

/** The place in a row of `size` that a place outside mirrors; the edge itself is not repeated. */
export function mirrored(i: number, size: number): number {
	if (size === 1) return 0;
	const period = 2 * (size - 1);
	const place = ((i % period) + period) % period;
	return place < size ? place : period - place;
}

/** Weighted sums of each pixel's neighbours; the plane is mirrored at its edges. */
export function convolve(plane: Plane, width: number, height: number, taps: readonly Tap[]): Plane {
	const rises = differences(taps);
	// Where neighbouring weights are mostly equal, as in a disk, sums along the rows save most of the work.
	return rises.length < taps.length / 2
		? weighted(plane, width, height, rises, true)
		: weighted(plane, width, height, taps, false);
}

/** What each weight is more than its right neighbour, where that is anything. */
function differences(taps: readonly Tap[]): Tap[] {
	const rises = new Map<string, Tap>();
	const add = ({ dx, dy, weight }: Tap) => {
		const key = `${dx},${dy}`;
		rises.set(key, { dx, dy, weight: weight + (rises.get(key)?.weight ?? 0) });
	};
	for (const tap of taps) {
		add(tap);
		add({ ...tap, dx: tap.dx - 1, weight: -tap.weight });
	}
	return [...rises.values()].filter(({ weight }) => weight !== 0);
}

/** Weighted sums of neighbours, or of the sums of all that is left of each neighbour and itself. */
function weighted(plane: Plane, width: number, height: number, taps: readonly Tap[], isOfSums: boolean): Plane {
	const reachX = Math.max(0, ...taps.map(({ dx }) => Math.abs(dx)));
	const reachY = Math.max(0, ...taps.map(({ dy }) => Math.abs(dy)));
	const stride = width + 2 * reachX;
	const padded = new Float64Array(stride * (height + 2 * reachY));
	const columns = new Int32Array(stride);
	for (let x = 0; x < stride; x++) columns[x] = mirrored(x - reachX, width);
	for (let y = -reachY, i = 0; y < height + reachY; y++) {
		const row = mirrored(y, height) * width;
		for (let x = 0, sum = 0; x < stride; x++) {
			const value = plane[row + columns[x]];
			sum += value;
			padded[i++] = isOfSums ? sum : value;
		}
	}
	const sums = new Float64Array(width);
	const result = new Float32Array(width * height);
	for (let y = 0; y < height; y++) {
		sums.fill(0);
		for (const { dx, dy, weight } of taps) {
			const from = (y + dy + reachY) * stride + dx + reachX;
			for (let x = 0; x < width; x++) sums[x] += weight * padded[from + x];
		}
		result.set(sums, y * width);
	}
	return result;
}

/** Weights of at least a ten-thousandth, scaled to a sum of 1. */
function normalized(taps: readonly Tap[]): Tap[] {
	const largest = Math.max(...taps.map(({ weight }) => weight));
	const kept = taps.filter(({ weight }) => weight >= 1e-4 * largest);
	const sum = kept.reduce((total, { weight }) => total + weight, 0);
	return kept.map((tap) => ({ ...tap, weight: tap.weight / sum }));
}

/** The plane blurred by a bell curve. One wider than the plane is cut off there, which leaves next to nothing either way. */
export function gaussianBlur(plane: Plane, width: number, height: number, sigma: number): Plane {
	const reach = Math.min(Math.ceil(4 * sigma), Math.max(width, height) - 1);
	const taps = normalized(
		Array.from({ length: 2 * reach + 1 }, (_, i) => ({
			dx: i - reach,
			dy: 0,
			weight: sigma > 0 ? Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)) : Number(i === reach),
		})),
	);
	const across = convolve(plane, width, height, taps);
	return convolve(
		across,
		width,
		height,
		taps.map(({ dx, weight }) => ({ dx: 0, dy: dx, weight })),
	);
}

/** A uniform disk, each weight the share of its pixel that is covered. */
export function disk(radius: number): Tap[] {
	const reach = Math.ceil(radius);
	const parts = Array.from({ length: 9 }, (_, i) => (i - 4) / 9);
	const taps: Tap[] = [];
	for (let dy = -reach; dy <= reach; dy++) {
		for (let dx = -reach; dx <= reach; dx++) {
			let covered = 0;
			for (const v of parts) for (const u of parts) covered += Number((dx + u) ** 2 + (dy + v) ** 2 <= radius ** 2);
			taps.push({ dx, dy, weight: covered });
		}
	}
	return normalized(taps);
}

/** Steps of a streak per pixel, so that a short one fades evenly too. */
const STREAK_STEPS = 4;

/** A streak to one side that fades as half a bell curve, `length` long at most; the angle is in degrees. */
export function streak(length: number, sigma: number, angle: number): Tap[] {
	const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
	const weights = new Map<string, Tap>();
	for (let step = 0; step <= length * STREAK_STEPS; step++) {
		const distance = step / STREAK_STEPS;
		const weight = Math.exp(-(distance ** 2) / (2 * sigma ** 2));
		const [x, y] = [distance * cos, distance * sin];
		const [left, top] = [Math.floor(x), Math.floor(y)];
		for (const dy of [top, top + 1]) {
			for (const dx of [left, left + 1]) {
				const share = weight * (1 - Math.abs(x - dx)) * (1 - Math.abs(y - dy));
				weights.set(`${dx},${dy}`, { dx, dy, weight: share + (weights.get(`${dx},${dy}`)?.weight ?? 0) });
			}
		}
	}
	return normalized([...weights.values()]);
}
