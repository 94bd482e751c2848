import { between, chance, type Random } from "../random.js";
import { box, type Corner, decal, prism, type Solid, strip } from "../solids.js";
import { along } from "./car.js";
import { arch, axles, BLACK, bodyColour, crates, GLASS, nose, scaled } from "./parts.js";

/** A pickup: bonnet, cab in the middle, an open bed behind that may be loaded or covered. */
export const pickup = (random: Random): Solid[] => {
	const double = chance(random, 0.7);
	const [length, half] = [between(random, 5, 5.5), between(random, 0.88, 0.95)];
	const height = between(random, 1.72, 1.88);
	const colour = bodyColour(random);
	const [tail, front, belt] = [-length / 2, length / 2, 1.08];
	const back = (double ? -0.13 : -0.02) * length;
	const body: Corner[] = [
		[tail + 0.05, 0.42],
		[tail, belt],
		[0.25 * length, belt + 0.02],
		[front - 0.14, belt - 0.1],
		[front, 0.66],
		[front - 0.05, 0.4],
	];
	const house: Corner[] = [
		[back, belt],
		[back + 0.14, height],
		[0.1 * length, height],
		[0.24 * length, belt],
	];
	const narrow = (z: number) => half * (1 - 0.15 * Math.max(0, (z - belt) / (height - belt)));
	const pane = (from: number, to: number): Corner[] => [
		along(house, from, 0.12),
		along(house, from, 0.84),
		along(house, to, 0.84),
		along(house, to, 0.12),
	];
	const tyres = axles([-0.29 * length, 0.32 * length], half, between(random, 0.36, 0.41));
	return [
		...tyres.far,
		prism(body, half, colour),
		...[-0.29, 0.32].map((x) => arch(x * length, 0.39, half)),
		...tyres.near,
		...nose(front, 0.74, half, colour),
		...bed(random, tail + 0.08, back - 0.04, belt, half),
		prism(house, narrow, colour),
		...(double ? [pane(0.06, 0.46), pane(0.52, 0.94)] : [pane(0.16, 0.92)]).map((p) => decal(p, narrow, GLASS)),
		strip(along(house, 1, 0.08), along(house, 1, 0.9), -0.8 * half, 0.8 * half, GLASS),
		decal(
			[
				[tail + 0.1, belt - 0.1],
				[tail + 0.1, belt - 0.06],
				[back, belt - 0.06],
				[back, belt - 0.1],
			],
			half,
			scaled(colour, 0.7),
		),
	];
};

/** The bed as seen from above: a dark well whose far wall catches light, and what may be in it. */
const bed = (random: Random, x0: number, x1: number, z: number, half: number): Solid[] => {
	const lid = (y0: number, y1: number, colour: readonly [number, number, number]): Solid =>
		strip([x0, z], [x1, z], y0, y1, colour);
	const well = [lid(-0.86 * half, 0.86 * half, [44, 44, 46]), lid(0.45 * half, 0.86 * half, [92, 92, 94])];
	const kind = random();
	if (kind < 0.15) return [box(x0, x1, z, z + 0.1, 0.92 * half, BLACK)];
	if (kind < 0.55) return [...well, ...crates(random, x0 + 0.05, x1 - 0.05, z - 0.1, 0.7 * half, 0.55)];
	if (kind < 0.8) return [...well, box(x1 - 0.12, x1 - 0.04, z, z + 0.55, 0.8 * half, [58, 58, 60])];
	return well;
};
