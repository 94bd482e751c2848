import { between, chance, pick, type Random } from "../random.js";
import { barrel, box, decal, prism, type Rgb, type Solid } from "../solids.js";
import { boards, cargoColour, crates, ribs, scaled, varied, white } from "./parts.js";

/** The space behind a lorry's cab that a superstructure fills. */
interface Space {
	readonly x0: number;
	readonly x1: number;
	readonly z0: number;
	readonly z1: number;
	readonly half: number;
}

type Superstructure = (random: Random, space: Space) => Solid[];

const paintwork = (random: Random): Rgb =>
	varied(
		random,
		pick(random, [
			[222, 222, 220],
			[120, 128, 136],
			[170, 40, 38],
			[44, 88, 160],
			[150, 140, 116],
			[96, 60, 48],
			[60, 90, 74],
			[204, 150, 48],
		]),
		18,
	);

/** A closed box, plain or with a livery. */
const van: Superstructure = (random, { x0, x1, z0, z1, half }) => {
	const colour = paintwork(random);
	const livery = scaled(paintwork(random), 0.9);
	const [low, high] = [z0 + between(random, 0.3, 0.6) * (z1 - z0), z1 - 0.25];
	const sign = decal(
		[
			[x0 + 0.15 * (x1 - x0), low],
			[x0 + 0.15 * (x1 - x0), high],
			[x0 + 0.8 * (x1 - x0), high],
			[x0 + 0.8 * (x1 - x0), low],
		],
		half,
		livery,
	);
	return [box(x0, x1, z0, z1, half, colour), ...(chance(random, 0.5) ? [sign] : [])];
};

/** A tarpaulin over hoops: the top rounded, ribs showing. */
const tilt: Superstructure = (random, { x0, x1, z0, z1, half }) => {
	const colour = paintwork(random);
	const round = (z: number) => half * (z > z1 - 0.1 ? 0.72 : 1);
	const side = z0 + 0.26 * (z1 - z0);
	return [
		prism(
			[
				[x0, z0],
				[x0, z1 - 0.28],
				[x0 + 0.08, z1],
				[x1 - 0.08, z1],
				[x1, z1 - 0.28],
				[x1, z0],
			],
			round,
			colour,
		),
		...ribs(x0, x1, side, z1 - 0.3, half, 6, scaled(colour, 0.8)),
		decal(
			[
				[x0, z0],
				[x0, side],
				[x1, side],
				[x1, z0],
			],
			half,
			scaled(paintwork(random), 0.75),
		),
	];
};

/** An open body with boards or stakes, loaded above its rim. */
const open: Superstructure = (random, { x0, x1, z0, z1, half }) => {
	const colour = paintwork(random);
	const rim = z0 + between(random, 0.4, 0.7) * (z1 - z0);
	const line = scaled(colour, 0.68);
	const heap = prism(
		[
			[x0 + 0.1, rim],
			[x0 + 0.5, rim + 0.35],
			[x1 - 0.5, rim + 0.35],
			[x1 - 0.1, rim],
		],
		(z) => half * (z > rim + 0.1 ? 0.35 : 0.95),
		cargoColour(random),
	);
	const load = chance(random, 0.5) ? [heap] : crates(random, x0 + 0.1, x1 - 0.1, rim, 0.9 * half, z1 - rim);
	return [
		box(x0, x1, z0, rim, half, colour),
		...ribs(x0, x1, z0, rim, half, 4 + Math.floor(random() * 5), line),
		...(chance(random, 0.6) ? boards(x0, x1, z0, rim, half, 3, line) : []),
		box(x0 + 0.06, x1 - 0.06, rim - 0.02, rim + 0.01, half - 0.08, [58, 54, 50]),
		...load,
		box(x1 - 0.06, x1, rim, rim + 0.25, half, colour),
	];
};

/** A tipper: sides leaning outwards over a chassis, a heap inside. */
const tipper: Superstructure = (random, { x0, x1, z0, z1, half }) => {
	const colour = paintwork(random);
	const rim = z1 - 0.25;
	const lean = (z: number) => half * (0.86 + 0.14 * ((z - z0) / (rim - z0)));
	return [
		prism(
			[
				[x0 + 0.3, z0],
				[x0, rim],
				[x1, rim],
				[x1 - 0.15, z0],
			],
			lean,
			colour,
		),
		...ribs(x0 + 0.3, x1 - 0.15, z0, rim, half, 5, scaled(colour, 0.75)),
		prism(
			[
				[x0 + 0.1, rim],
				[x0 + 0.6, rim + 0.3],
				[x1 - 0.5, rim + 0.3],
				[x1 - 0.1, rim],
			],
			(z) => half * (z > rim + 0.1 ? 0.3 : 0.92),
			cargoColour(random),
		),
	];
};

/** A lying tank. */
const tank: Superstructure = (random, { x0, x1, z0, z1, half }) => {
	const colour = scaled(white(random), 0.95);
	const middle = (z0 + z1) / 2;
	const band = scaled(colour, 0.7);
	const step = (x1 - x0) / 3;
	return [
		box(x0, x1, z0, z0 + 0.15, 0.8 * half, [50, 50, 52]),
		...[0, 1, 2].flatMap((i) => [
			barrel(x0 + i * step, x0 + (i + 1) * step - 0.06, middle, half, (z1 - z0) / 2, colour),
			barrel(x0 + (i + 1) * step - 0.06, x0 + (i + 1) * step, middle, half, (z1 - z0) / 2, band),
		]),
	];
};

/** A superstructure for a rigid truck. */
export const truckBody: Superstructure = (random, space) => pick(random, [van, tilt, open, open])(random, space);

/** A superstructure for a semi-trailer. */
export const trailerBody: Superstructure = (random, space) =>
	pick(random, [van, tilt, open, tipper, tank])(random, space);
