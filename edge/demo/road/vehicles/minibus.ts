import { between, chance, pick, type Random } from "../random.js";
import { box, type Corner, decal, prism, type Rgb, type Solid, strip } from "../solids.js";
import { arch, axles, bodyColour, GLASS, nose, scaled, varied, white } from "./parts.js";

/** A minibus or van: one tall box to the windscreen, with a short sloping bonnet. */
export const minibus = (random: Random): Solid[] => {
	const [length, half] = [between(random, 4.9, 5.9), between(random, 0.95, 1.02)];
	const height = between(random, 1.95, 2.5);
	const colour = chance(random, 0.6) ? white(random) : bodyColour(random);
	const [tail, front] = [-length / 2, length / 2];
	const sill = 0.56 * height;
	const screen: [Corner, Corner] = [
		[front - 1.25, height],
		[front - 0.5, sill],
	];
	const body: Corner[] = [
		[tail, 0.36],
		[tail + 0.04, height - 0.12],
		[tail + 0.2, height],
		screen[0],
		screen[1],
		[front - 0.02, 0.44 * height],
		[front, 0.34],
	];
	const narrow = (z: number) => half * (1 - 0.09 * Math.max(0, (z - sill) / (height - sill)));
	const tyres = axles([-0.3 * length, 0.33 * length], half, between(random, 0.32, 0.36));
	return [
		...tyres.far,
		prism(body, narrow, colour),
		...[-0.3, 0.33].map((x) => arch(x * length, 0.35, half)),
		...tyres.near,
		...nose(front, 0.66, half, colour),
		strip(screen[0], screen[1], -0.86 * half, 0.86 * half, GLASS),
		decal(
			[
				[front - 1.75, sill + 0.04],
				[front - 1.75, height - 0.24],
				[front - 1.2, height - 0.24],
				[front - 0.68, sill + 0.04],
			],
			narrow,
			GLASS,
		),
		...side(random, tail + 0.2, front - 1.9, sill, height, narrow),
		...(chance(random, 0.3)
			? [box(tail + 0.5, tail + 1.6, height, height + 0.14, 0.5 * half, scaled(colour, 0.85))]
			: []),
		decal(
			[
				[front - 1.84, 0.5],
				[front - 1.84, height - 0.2],
				[front - 1.8, height - 0.2],
				[front - 1.8, 0.5],
			],
			narrow,
			scaled(colour, 0.6),
		),
	];
};

/** The side behind the driver's door: windows all along, some windows, or a panel that may carry a livery. */
const side = (
	random: Random,
	x0: number,
	x1: number,
	sill: number,
	height: number,
	half: (z: number) => number,
): Solid[] => {
	const pane = (from: number, to: number, low: number, high: number, colour: Rgb): Solid =>
		decal(
			[
				[from, low],
				[from, high],
				[to, high],
				[to, low],
			],
			half,
			colour,
		);
	const kind = random();
	if (kind < 0.5) {
		const count = kind < 0.38 ? 3 : 1;
		const step = (x1 - x0) / 3;
		const start = x1 - count * step;
		return Array.from({ length: count }, (_, i) =>
			pane(start + i * step + 0.04, start + (i + 1) * step - 0.04, sill + 0.04, height - 0.24, GLASS),
		);
	}
	if (kind < 0.78) {
		const livery = varied(
			random,
			pick(random, [
				[190, 40, 36],
				[40, 84, 170],
				[230, 160, 40],
				[50, 120, 70],
			]),
			20,
		);
		const low = between(random, 0.6, 0.9);
		return [pane(x0 + 0.3, x1 - 0.2, low, low + between(random, 0.15, 0.7), livery)];
	}
	return [];
};
