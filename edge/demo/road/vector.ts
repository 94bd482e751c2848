/** World coordinates in metres: x along the road in the direction of traffic, y to the far side, z up. */
export type Vec3 = readonly [number, number, number];

export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross = (a: Vec3, b: Vec3): Vec3 => [
	a[1] * b[2] - a[2] * b[1],
	a[2] * b[0] - a[0] * b[2],
	a[0] * b[1] - a[1] * b[0],
];

export const unit = (a: Vec3): Vec3 => {
	const length = Math.hypot(...a);
	return [a[0] / length, a[1] / length, a[2] / length];
};

/** The mean of some points. */
export const centre = (points: readonly Vec3[]): Vec3 => {
	const sum = [0, 0, 0];
	for (const p of points) for (let i = 0; i < 3; i++) sum[i] += p[i] as number;
	return [sum[0] / points.length, sum[1] / points.length, sum[2] / points.length];
};

/** The unit normal of a flat polygon (Newell's sum, which forgives collinear corners). */
export const normalOf = (points: readonly Vec3[]): Vec3 => {
	let [x, y, z] = [0, 0, 0];
	points.forEach((a, i) => {
		const b = points[(i + 1) % points.length] as Vec3;
		x += (a[1] - b[1]) * (a[2] + b[2]);
		y += (a[2] - b[2]) * (a[0] + b[0]);
		z += (a[0] - b[0]) * (a[1] + b[1]);
	});
	return unit([x, y, z]);
};
