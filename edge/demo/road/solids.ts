import { centre, dot, normalOf, subtract, type Vec3 } from "./vector.js";

/** Red, green and blue, 0 to 255, before light falls on it. */
export type Rgb = readonly [number, number, number];

/** A flat polygon whose corners run so that its normal points outwards. */
export interface Face {
	readonly points: readonly Vec3[];
	readonly colour: Rgb;
}

/** A convex body or a flat detail. The solids of a vehicle are listed in the order in which they are painted. */
export type Solid = readonly Face[];

/** A corner of a vehicle's outline seen from the side: x forwards, z up. */
export type Corner = readonly [number, number];

const SEGMENTS = 14;

/** Turns the faces of a convex body outwards. */
const convex = (faces: readonly Face[]): Solid => {
	const middle = centre(faces.flatMap((face) => face.points));
	return faces.map((face) => facing(face, subtract(centre(face.points), middle)));
};

/** Turns a face so that it looks in the given direction. */
const facing = (face: Face, direction: Vec3): Face =>
	dot(normalOf(face.points), direction) < 0 ? { ...face, points: [...face.points].reverse() } : face;

/** Two outlines with the same number of corners, joined into a body. */
const loft = (a: readonly Vec3[], b: readonly Vec3[], colour: Rgb): Solid =>
	convex([
		{ points: a, colour },
		{ points: b, colour },
		...a.map((p, i) => {
			const j = (i + 1) % a.length;
			return { points: [p, a[j] as Vec3, b[j] as Vec3, b[i] as Vec3], colour };
		}),
	]);

/** A convex outline seen from the side, given a width: `half` is half of it, at height z. */
export const prism = (
	outline: readonly Corner[],
	half: number | ((z: number) => number),
	colour: Rgb,
	y = 0,
): Solid => {
	const at = typeof half === "number" ? () => half : half;
	return loft(
		outline.map(([x, z]) => [x, y - at(z), z]),
		outline.map(([x, z]) => [x, y + at(z), z]),
		colour,
	);
};

/** A box from x0 to x1 and z0 to z1, `half` being half its width. */
export const box = (x0: number, x1: number, z0: number, z1: number, half: number, colour: Rgb, y = 0): Solid =>
	prism(
		[
			[x0, z0],
			[x0, z1],
			[x1, z1],
			[x1, z0],
		],
		half,
		colour,
		y,
	);

const circle = (place: (cos: number, sin: number) => Vec3): Vec3[] =>
	Array.from({ length: SEGMENTS }, (_, i) => {
		const angle = (2 * Math.PI * i) / SEGMENTS;
		return place(Math.cos(angle), Math.sin(angle));
	});

/** A lying cylinder along the vehicle, as of a tanker. */
export const barrel = (x0: number, x1: number, z: number, ry: number, rz: number, colour: Rgb): Solid =>
	loft(
		circle((cos, sin) => [x0, ry * cos, z + rz * sin]),
		circle((cos, sin) => [x1, ry * cos, z + rz * sin]),
		colour,
	);

const TYRE: Rgb = [34, 34, 36];

/** A wheel standing on the road, its outer side at y: tyre first, then the rim. */
export const wheel = (x: number, y: number, radius: number, width: number, rim: Rgb): Solid[] => [
	loft(
		circle((cos, sin) => [x + radius * cos, y, radius + radius * sin]),
		circle((cos, sin) => [x + radius * cos, y + width, radius + radius * sin]),
		TYRE,
	),
	[
		facing(
			{ points: circle((cos, sin) => [x + 0.6 * radius * cos, y - 0.01, radius + 0.6 * radius * sin]), colour: rim },
			[0, -1, 0],
		),
	],
];

/** A flat detail on the near side, `half` being half the vehicle's width there. */
export const decal = (outline: readonly Corner[], half: number | ((z: number) => number), colour: Rgb): Solid => {
	const at = typeof half === "number" ? () => half : half;
	return [facing({ points: outline.map(([x, z]): Vec3 => [x, -at(z) - 0.01, z]), colour }, [0, -1, 0])];
};

/** A flat detail on the face between two corners of the outline, from y0 to y1 across. */
export const strip = (a: Corner, b: Corner, y0: number, y1: number, colour: Rgb): Solid => {
	const [ahead, above] = [0.012, 0.012];
	const points: Vec3[] = [
		[a[0] + ahead, y0, a[1] + above],
		[b[0] + ahead, y0, b[1] + above],
		[b[0] + ahead, y1, b[1] + above],
		[a[0] + ahead, y1, a[1] + above],
	];
	return [facing({ points, colour }, [1, 0, 1])];
};

/** Turns a vehicle by `yaw` and puts its middle at (x, y) on the road. */
export const placed = (solids: readonly Solid[], x: number, y: number, yaw: number): Solid[] => {
	const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
	const move = ([px, py, pz]: Vec3): Vec3 => [x + cos * px - sin * py, y + sin * px + cos * py, pz];
	return solids.map((solid) => solid.map((face) => ({ ...face, points: face.points.map(move) })));
};
