import { cross, dot, subtract, unit, type Vec3 } from "./vector.js";

/** A point of the picture, in pixels from the upper left. */
export type Point = readonly [number, number];

/** A pinhole camera fixed above the road. */
export interface Camera {
	readonly eye: Vec3;
	readonly width: number;
	readonly height: number;
	readonly project: (point: Vec3) => Point;
	/** How far away the ground is that the pixel shows; Infinity above the horizon. */
	readonly groundDistance: (x: number, y: number) => number;
}

/** Places a camera at `eye` looking at `target`; `focal` is in pixels. */
export const camera = (eye: Vec3, target: Vec3, focal: number, width: number, height: number): Camera => {
	const forward = unit(subtract(target, eye));
	const right = unit(cross(forward, [0, 0, 1]));
	const up = cross(right, forward);
	return {
		eye,
		width,
		height,
		project: (point) => {
			const d = subtract(point, eye);
			const scale = focal / dot(d, forward);
			return [width / 2 + scale * dot(d, right), height / 2 - scale * dot(d, up)];
		},
		groundDistance: (x, y) => {
			const [a, b] = [(x - width / 2) / focal, (height / 2 - y) / focal];
			const fall = forward[2] + a * right[2] + b * up[2];
			return fall < 0 ? (-eye[2] / fall) * Math.hypot(1, a, b) : Number.POSITIVE_INFINITY;
		},
	};
};
