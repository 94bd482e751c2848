import type { SKRSContext2D } from "@napi-rs/canvas";
import type { Camera, Point } from "./camera.js";
import { hull } from "./polygon.js";
import type { Rgb, Solid } from "./solids.js";
import { dot, normalOf, subtract, type Vec3 } from "./vector.js";

/** Daylight: where the sun stands and how bright it and the sky are. */
export interface Light {
	readonly sun: Vec3;
	readonly direct: number;
	readonly sky: number;
}

/** A colour as the canvas wants it, each channel within bounds. */
export const css = ([r, g, b]: Rgb, alpha = 1): string =>
	`rgba(${[r, g, b].map((v) => Math.round(Math.min(255, Math.max(0, v)))).join(",")},${alpha})`;

/** Traces a polygon as the current path. */
export const trace = (context: SKRSContext2D, points: readonly Point[]): void => {
	context.beginPath();
	for (const [x, y] of points) context.lineTo(x, y);
	context.closePath();
};

/** Paints the faces that look at the camera, flat shaded. */
export const paint = (context: SKRSContext2D, solids: readonly Solid[], camera: Camera, light: Light): void => {
	for (const face of solids.flat()) {
		const normal = normalOf(face.points);
		if (dot(normal, subtract(camera.eye, face.points[0] as Vec3)) <= 0) continue;
		const bright = light.sky * (0.75 + 0.25 * normal[2]) + light.direct * Math.max(0, dot(normal, light.sun));
		const [r, g, b] = face.colour;
		trace(context, face.points.map(camera.project));
		context.fillStyle = css([r * bright, g * bright, b * bright * 1.02]);
		context.fill();
		// Neighbouring faces are antialiased apart; a hairline in the same colour closes the seam.
		context.strokeStyle = context.fillStyle;
		context.lineWidth = 0.7;
		context.stroke();
	}
};

/** The outline of a vehicle in the picture. */
export const silhouette = (solids: readonly Solid[], camera: Camera): Point[] =>
	hull(solids.flatMap((solid) => solid.flatMap((face) => face.points.map(camera.project))));

/** Paints the soft shadow that a vehicle casts on the road. */
export const shade = (context: SKRSContext2D, solids: readonly Solid[], camera: Camera, light: Light): void => {
	const [sx, sy, sz] = light.sun;
	const ground = solids.flatMap((solid) =>
		solid.flatMap((face) => face.points.map(([x, y, z]): Vec3 => [x - (sx / sz) * z, y - (sy / sz) * z, 0])),
	);
	trace(context, hull(ground.map(camera.project)));
	context.filter = "blur(2px)";
	context.fillStyle = `rgba(22,22,30,${0.5 * Math.min(1, light.direct * 1.6)})`;
	context.fill();
	context.filter = "none";
};
