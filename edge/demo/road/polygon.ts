import type { Point } from "./camera.js";

/** The convex hull of some points, counter-clockwise (monotone chain). */
export const hull = (points: readonly Point[]): Point[] => {
	const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
	const half = (input: readonly Point[]): Point[] => {
		const chain: Point[] = [];
		for (const p of input) {
			while (chain.length > 1 && turn(chain[chain.length - 2] as Point, chain[chain.length - 1] as Point, p) <= 0) {
				chain.pop();
			}
			chain.push(p);
		}
		return chain.slice(0, -1);
	};
	return [...half(sorted), ...half(sorted.reverse())];
};

/** The area of a polygon, whichever way round it is given. */
export const area = (polygon: readonly Point[]): number =>
	Math.abs(
		polygon.reduce((sum, [x, y], i) => {
			const [nx, ny] = polygon[(i + 1) % polygon.length] as Point;
			return sum + x * ny - nx * y;
		}, 0) / 2,
	);

/** The part of a convex polygon that lies inside the box [x, y, width, height]. */
export const clipped = (
	polygon: readonly Point[],
	[x, y, w, h]: readonly [number, number, number, number],
): Point[] => {
	const sides: readonly ((p: Point) => number)[] = [
		(p) => p[0] - x,
		(p) => x + w - p[0],
		(p) => p[1] - y,
		(p) => y + h - p[1],
	];
	return sides.reduce<Point[]>((rest, inside) => cut(rest, inside), [...polygon]);
};

const cut = (polygon: readonly Point[], inside: (p: Point) => number): Point[] =>
	polygon.flatMap((a, i) => {
		const b = polygon[(i + 1) % polygon.length] as Point;
		const [da, db] = [inside(a), inside(b)];
		const kept: Point[] = da >= 0 ? [a] : [];
		if (da >= 0 !== db >= 0) {
			const t = da / (da - db);
			kept.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
		}
		return kept;
	});

const turn = (a: Point, b: Point, c: Point): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
