import { type Canvas, createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import { css, paint, trace } from "./paint.js";
import { between, normal, type Random } from "./random.js";
import { box, type Rgb } from "./solids.js";
import type { Vec3 } from "./vector.js";
import { unit } from "./vector.js";
import { VIEW } from "./view.js";

const LIGHT = { sun: unit([-0.34, -0.4, 0.85]), direct: 0.5, sky: 0.5 };
const [NEAR, FAR] = [-60, 60];

/** Draws the empty road once; vehicles are painted over copies of it. */
export const road = (random: Random): Canvas => {
	const canvas = createCanvas(VIEW.width, VIEW.height);
	const context = canvas.getContext("2d");
	surfaces(context);
	wear(context, random);
	markings(context);
	cracks(context, random);
	roadside(context, random);
	grain(context, random);
	return canvas;
};

/** Fills a polygon that lies on the ground, given by its x and y. */
const ground = (context: SKRSContext2D, corners: readonly (readonly [number, number])[], style: string): void => {
	trace(
		context,
		corners.map(([x, y]) => VIEW.project([x, y, 0])),
	);
	context.fillStyle = style;
	context.fill();
};

const band = (context: SKRSContext2D, y0: number, y1: number, style: string, x0 = NEAR, x1 = 11): void =>
	ground(
		context,
		[
			[x0, y0],
			[x1, y0],
			[x1, y1],
			[x0, y1],
		],
		style,
	);

/** Asphalt, pavement and the verge behind it. */
const surfaces = (context: SKRSContext2D): void => {
	context.fillStyle = css([150, 143, 112]);
	context.fillRect(0, 0, VIEW.width, VIEW.height);
	band(context, -8, 5.6, css([160, 160, 155]));
	band(context, 5.6, 7.3, css([202, 184, 154]));
	band(context, 7.3, FAR, css([140, 144, 104]));
};

/** Blotches, tyre tracks and repaired patches. */
const wear = (context: SKRSContext2D, random: Random): void => {
	context.filter = "blur(9px)";
	for (const y of [-0.8, 0.8, 2.9, 4.4]) band(context, y - 0.35, y + 0.35, "rgba(60,60,62,0.16)");
	for (let i = 0; i < 70; i++) {
		const [x, y, size] = [between(random, -16, 10), between(random, -8, 5), between(random, 0.3, 1.6)];
		const dark = random() < 0.55;
		ground(
			context,
			[
				[x - size, y],
				[x, y - size / 2],
				[x + size, y],
				[x, y + size / 2],
			],
			dark ? "rgba(50,50,54,0.2)" : "rgba(205,203,194,0.2)",
		);
	}
	context.filter = "blur(1px)";
	for (let i = 0; i < 5; i++) {
		const [x, y] = [between(random, -13, 7), between(random, -6, 4)];
		band(context, y, y + between(random, 0.5, 1.2), "rgba(84,84,88,0.45)", x, x + between(random, 0.8, 3));
	}
	context.filter = "none";
};

/** Lane lines and the crossing, whose white stripes lie on worn red paint. */
const markings = (context: SKRSContext2D): void => {
	context.filter = "blur(0.8px)";
	band(context, 5.1, 5.25, "rgba(228,226,218,0.75)");
	for (let x = -40; x < 11; x += 4.5) {
		if (x > -0.5 && x < 6.5) continue;
		for (const y of [1.95, -1.95]) band(context, y - 0.07, y + 0.07, "rgba(228,226,218,0.75)", x, x + 2);
	}
	band(context, -8, 5.05, "rgba(168,108,98,0.5)", 2.1, 5.3);
	for (let y = -7.6; y < 4.8; y += 1.25) band(context, y, y + 0.62, "rgba(226,222,214,0.78)", 2.1, 5.3);
	band(context, -8, 1.9, "rgba(228,226,218,0.7)", 0.9, 1.25);
	context.filter = "none";
};

/** Fine cracks, each a random walk. */
const cracks = (context: SKRSContext2D, random: Random): void => {
	context.strokeStyle = "rgba(52,52,54,0.4)";
	context.lineWidth = 1.2;
	for (let i = 0; i < 16; i++) {
		let [x, y] = [between(random, -14, 8), between(random, -7, 5)];
		let heading = random() * 2 * Math.PI;
		context.beginPath();
		for (let step = 0; step < 14; step++) {
			context.lineTo(...VIEW.project([x, y, 0]));
			heading += between(random, -0.7, 0.7);
			x += 0.22 * Math.cos(heading);
			y += 0.22 * Math.sin(heading);
		}
		context.stroke();
	}
};

/** Kerb, a low wall, bushes behind it, and a lamp post with its shadow. */
const roadside = (context: SKRSContext2D, random: Random): void => {
	const slab = (x0: number, x1: number, z: number, half: number, y: number, colour: Rgb): void =>
		paint(context, [box(x0, x1, 0, z, half, colour, y)], VIEW, LIGHT);
	for (let x = -30; x < 9; x += 1.2)
		slab(x, x + 1.16, 0.16, 0.14, 5.6, x % 2.4 < 1.2 ? [196, 192, 184] : [170, 166, 160]);
	band(context, 7.45, 8.2, "rgba(40,42,36,0.4)");
	for (let x = -30; x < 9; x += 2.5) slab(x, x + 2.44, 0.5, 0.14, 7.3, [206, 170, 116]);
	for (let i = 0; i < 260; i++)
		bush(context, [between(random, -26, 8), between(random, 8.6, 19), between(random, 0.2, 1)], random);
	band(context, 6.2, 6.4, "rgba(30,30,34,0.3)", -5.9, -3.4);
	slab(-6, -5.86, 6.5, 0.07, 6.3, [104, 106, 108]);
};

const bush = (context: SKRSContext2D, at: Vec3, random: Random): void => {
	const [x, y] = VIEW.project(at);
	const light = between(random, 0.55, 1.15);
	context.fillStyle = css([84 * light, 104 * light, 58 * light], 0.8);
	context.beginPath();
	context.ellipse(x, y, between(random, 5, 16), between(random, 4, 11), 0, 0, 2 * Math.PI);
	context.fill();
};

/** The texture of a rough surface, at the finest scale. */
const grain = (context: SKRSContext2D, random: Random): void => {
	const image = context.getImageData(0, 0, VIEW.width, VIEW.height);
	for (let i = 0; i < image.data.length; i += 4) {
		const by = 7 * normal(random);
		for (let c = 0; c < 3; c++) image.data[i + c] = (image.data[i + c] as number) + by;
	}
	context.putImageData(image, 0, 0);
};
