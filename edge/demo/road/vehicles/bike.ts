import { between, chance, pick, type Random } from "../random.js";
import { box, type Corner, prism, type Rgb, type Solid, wheel } from "../solids.js";
import { BLACK, cargoColour, varied } from "./parts.js";

const SKIN: Rgb = [150, 112, 90];

/** A motorcycle or scooter with its rider, sometimes a passenger or a top case. */
export const bike = (random: Random): Solid[] => {
	const scooter = chance(random, 0.45);
	const length = between(random, 2.3, 2.6);
	const [rear, front] = [-0.34 * length, 0.34 * length];
	const radius = scooter ? 0.3 : 0.37;
	const colour = varied(
		random,
		pick(random, [
			[180, 30, 28],
			[32, 90, 170],
			[36, 36, 40],
			[214, 214, 212],
			[214, 140, 30],
			[60, 120, 80],
		]),
		16,
	);
	const engine: Corner[] = [
		[rear + 0.1, 0.36],
		[rear - 0.22, 0.86],
		[front - 0.5, 0.78],
		[front - 0.3, 0.34],
	];
	const fairing: Corner[] = [
		[front - 0.34, 0.4],
		[front - 0.42, 1.02],
		[front - 0.2, 1.08],
		[front + 0.06, 0.6],
	];
	return [
		...wheel(rear, -0.07, radius, 0.14, [86, 88, 92]),
		...wheel(front, -0.07, radius, 0.14, [86, 88, 92]),
		prism(engine, scooter ? 0.2 : 0.16, scooter ? colour : BLACK),
		prism(
			[
				[rear - 0.3, 0.84],
				[rear - 0.26, 0.94],
				[0.12, 0.94],
				[0.16, 0.84],
			],
			0.16,
			BLACK,
		),
		...(scooter
			? []
			: [
					prism(
						[
							[-0.02, 0.84],
							[0.02, 1.04],
							[0.42, 1.02],
							[0.46, 0.78],
						],
						0.17,
						colour,
					),
				]),
		...load(random, rear),
		prism(fairing, scooter ? 0.24 : 0.12, colour),
		box(front - 0.4, front - 0.33, 1.06, 1.13, 0.36, BLACK),
		...rider(random, -0.12),
	];
};

/** What sits behind the rider. */
const load = (random: Random, rear: number): Solid[] => {
	const kind = random();
	if (kind < 0.3) return [box(rear - 0.34, rear + 0.08, 0.95, 1.32, 0.22, cargoColour(random))];
	if (kind < 0.5) return rider(random, rear + 0.1);
	return [];
};

/** A sitting person whose hips are at x: legs, trunk leaning forwards, arms, head or helmet. */
const rider = (random: Random, x: number): Solid[] => {
	const clothes = varied(
		random,
		pick(random, [
			[40, 42, 48],
			[150, 150, 152],
			[60, 80, 120],
			[140, 44, 40],
			[206, 206, 200],
			[120, 100, 72],
		]),
		14,
	);
	const trousers = varied(
		random,
		pick(random, [
			[44, 48, 60],
			[34, 34, 36],
			[96, 90, 78],
		]),
		10,
	);
	const head = pick(random, [SKIN, BLACK, [60, 44, 36], [196, 198, 200]] as const);
	const leg = (y: number): Solid[] => [
		prism(
			[
				[x - 0.1, 0.84],
				[x - 0.08, 1.06],
				[x + 0.48, 0.94],
				[x + 0.46, 0.76],
			],
			0.09,
			trousers,
			y,
		),
		prism(
			[
				[x + 0.3, 0.34],
				[x + 0.32, 0.9],
				[x + 0.5, 0.9],
				[x + 0.46, 0.32],
			],
			0.08,
			trousers,
			y,
		),
	];
	return [
		...leg(0.22),
		prism(
			[
				[x - 0.17, 0.92],
				[x - 0.1, 1.5],
				[x + 0.17, 1.52],
				[x + 0.19, 0.94],
			],
			(z) => (z > 1.3 ? 0.27 : 0.2),
			clothes,
		),
		prism(
			[
				[x + 0.02, 1.3],
				[x + 0.06, 1.46],
				[x + 0.56, 1.16],
				[x + 0.52, 1.06],
			],
			0.06,
			clothes,
			-0.3,
		),
		...leg(-0.22),
		prism(
			[
				[x - 0.08, 1.54],
				[x - 0.13, 1.68],
				[x - 0.04, 1.82],
				[x + 0.12, 1.82],
				[x + 0.18, 1.66],
				[x + 0.1, 1.54],
			],
			0.13,
			head,
		),
	];
};
