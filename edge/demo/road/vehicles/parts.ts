import { between, chance, pick, type Random } from "../random.js";
import { box, type Corner, decal, prism, type Rgb, type Solid, strip, wheel } from "../solids.js";

/** Dark glass as it looks from outside. */
export const GLASS: Rgb = [38, 44, 52];

/** Frames, chassis and what is under the bodywork. */
export const BLACK: Rgb = [30, 30, 32];

const RIM: Rgb = [118, 120, 124];

/** A car's colour, white and greys being the usual ones. */
export const bodyColour = (random: Random): Rgb => {
	const grey = between(random, 0, 1);
	if (chance(random, 0.42)) return white(random);
	if (chance(random, 0.55)) return varied(random, [44 + 130 * grey, 46 + 130 * grey, 50 + 130 * grey], 3);
	return varied(
		random,
		pick(random, [
			[140, 26, 26],
			[36, 66, 128],
			[28, 30, 34],
			[60, 96, 150],
			[150, 140, 112],
			[40, 78, 60],
			[176, 96, 30],
		]),
		18,
	);
};

/** White as it comes: cleaner or dirtier, warmer or cooler. */
export const white = (random: Random): Rgb => {
	const [value, warmth] = [between(random, 214, 246), between(random, -4, 4)];
	return [value + warmth, value, value - warmth];
};

/** A colour near the given one. */
export const varied = (random: Random, [r, g, b]: Rgb, by: number): Rgb => [
	r + between(random, -by, by),
	g + between(random, -by, by),
	b + between(random, -by, by),
];

/** The colour made darker or lighter. */
export const scaled = ([r, g, b]: Rgb, by: number): Rgb => [r * by, g * by, b * by];

/** A pair of wheels at x; the far one is painted with what is behind the body, see `axles`. */
export const axles = (
	positions: readonly number[],
	half: number,
	radius: number,
	rim: Rgb = RIM,
): { far: Solid[]; near: Solid[] } => ({
	far: positions.flatMap((x) => wheel(x, half - 0.24, radius, 0.22, BLACK)),
	near: positions.flatMap((x) => wheel(x, -half - 0.02, radius, 0.24, rim)),
});

/** The dark arch in the bodywork above a wheel. */
export const arch = (x: number, radius: number, half: number): Solid => {
	const corners = Array.from({ length: 9 }, (_, i): Corner => {
		const angle = (Math.PI * i) / 8;
		return [x + 1.22 * radius * Math.cos(angle), radius + 1.15 * radius * Math.sin(angle)];
	});
	return decal(corners, half, BLACK);
};

/** Headlamps, grille and number plate on a flat nose whose front is at x. */
export const nose = (x: number, z: number, half: number, colour: Rgb): Solid[] => [
	strip([x, z - 0.1], [x, z + 0.12], -0.45 * half, 0.45 * half, BLACK),
	strip([x, z - 0.06], [x, z + 0.12], -0.95 * half, -0.55 * half, [236, 238, 236]),
	strip([x, z - 0.06], [x, z + 0.12], 0.55 * half, 0.95 * half, [236, 238, 236]),
	strip([x, z - 0.34], [x, z - 0.22], -0.28, 0.28, [225, 225, 220]),
	strip([x, z - 0.42], [x, z - 0.36], -0.9 * half, 0.9 * half, scaled(colour, 0.45)),
];

/** The flat-fronted cab of a lorry, its back at x0: body, windscreen, side window, door line, mirror. */
export const cab = (x0: number, x1: number, z0: number, z1: number, half: number, colour: Rgb): Solid[] => {
	const length = x1 - x0;
	const belt = z0 + 0.5 * (z1 - z0);
	const outline: Corner[] = [
		[x0, z0],
		[x0, z1 - 0.04],
		[x1 - 0.3, z1],
		[x1 - 0.02, belt],
		[x1, z0],
	];
	return [
		prism(outline, half, colour),
		strip([x1 - 0.27, z1 - 0.16], [x1 - 0.04, belt + 0.06], -0.88 * half, 0.88 * half, GLASS),
		decal(
			[
				[x0 + 0.38 * length, belt + 0.04],
				[x0 + 0.38 * length, z1 - 0.22],
				[x1 - 0.3, z1 - 0.22],
				[x1 - 0.14, belt + 0.04],
			],
			half,
			GLASS,
		),
		decal(
			[
				[x0 + 0.34 * length, z0 + 0.1],
				[x0 + 0.34 * length, z1 - 0.2],
				[x0 + 0.36 * length, z1 - 0.2],
				[x0 + 0.36 * length, z0 + 0.1],
			],
			half,
			scaled(colour, 0.6),
		),
		...nose(x1, z0 + 0.42, half, colour),
		box(x1 - 0.25, x1 - 0.12, belt, belt + 0.42, 0.06, BLACK, -half - 0.12),
	];
};

/** Upright ribs or stakes along the near side of a body. */
export const ribs = (
	x0: number,
	x1: number,
	z0: number,
	z1: number,
	half: number,
	count: number,
	colour: Rgb,
): Solid[] =>
	Array.from({ length: count + 1 }, (_, i) => {
		const x = x0 + ((x1 - x0 - 0.07) * i) / count;
		return decal(
			[
				[x, z0],
				[x, z1],
				[x + 0.07, z1],
				[x + 0.07, z0],
			],
			half + 0.01,
			colour,
		);
	});

/** Level boards along the near side of a body. */
export const boards = (
	x0: number,
	x1: number,
	z0: number,
	z1: number,
	half: number,
	count: number,
	colour: Rgb,
): Solid[] =>
	Array.from({ length: count }, (_, i) => {
		const z = z0 + ((z1 - z0) * (i + 0.5)) / count;
		return decal(
			[
				[x0, z - 0.03],
				[x0, z + 0.03],
				[x1, z + 0.03],
				[x1, z - 0.03],
			],
			half + 0.005,
			colour,
		);
	});

/** The colour of something carried: timber, sacks, gravel, boxes. */
export const cargoColour = (random: Random): Rgb =>
	varied(
		random,
		pick(random, [
			[170, 130, 84],
			[196, 158, 112],
			[110, 104, 96],
			[206, 200, 188],
			[200, 120, 70],
			[84, 92, 84],
		]),
		16,
	);

/** Boxes of several heights standing side by side. */
export const crates = (random: Random, x0: number, x1: number, z: number, half: number, tall: number): Solid[] => {
	const count = 2 + Math.floor(random() * 3);
	const step = (x1 - x0) / count;
	return Array.from({ length: count }, (_, i) =>
		box(
			x0 + i * step + 0.03,
			x0 + (i + 1) * step - 0.03,
			z,
			z + between(random, 0.3, 1) * tall,
			half * between(random, 0.6, 0.95),
			cargoColour(random),
		),
	);
};
