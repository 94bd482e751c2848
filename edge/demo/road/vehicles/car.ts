import { between, pick, type Random } from "../random.js";
import { type Corner, decal, prism, type Solid, strip } from "../solids.js";
import { arch, axles, bodyColour, GLASS, nose } from "./parts.js";

/** Where the glasshouse of each body style begins and ends, as shares of the length from the middle. */
const STYLES = [
	{ name: "saloon", rear: -0.36, rearTop: -0.17, frontTop: 0.07, front: 0.22, height: 1.43 },
	{ name: "hatchback", rear: -0.46, rearTop: -0.37, frontTop: 0.06, front: 0.22, height: 1.48 },
	{ name: "estate", rear: -0.48, rearTop: -0.43, frontTop: 0.08, front: 0.22, height: 1.55 },
	{ name: "off-roader", rear: -0.47, rearTop: -0.44, frontTop: 0.08, front: 0.18, height: 1.72 },
] as const;

/** A passenger car: a low body with a bonnet, a glasshouse narrower than it. */
export const car = (random: Random): Solid[] => {
	const style = pick(random, STYLES);
	const [length, half] = [between(random, 3.9, 4.6), between(random, 0.82, 0.9)];
	const height = style.height * between(random, 0.97, 1.05);
	const colour = bodyColour(random);
	const [tail, front, belt] = [-length / 2, length / 2, 0.6 * height];
	const body: Corner[] = [
		[tail + 0.1, 0.28],
		[tail, 0.5],
		[tail + 0.06, belt - 0.04],
		[style.front * length, belt + 0.02],
		[front - 0.12, belt - 0.14],
		[front, 0.52],
		[front - 0.06, 0.26],
	];
	const house: Corner[] = [
		[style.rear * length, belt],
		[style.rearTop * length, height],
		[style.frontTop * length, height],
		[style.front * length, belt],
	];
	const narrow = (z: number) => half * (1 - 0.17 * Math.max(0, (z - belt) / (height - belt)));
	const pane = (from: number, to: number): Corner[] => [
		along(house, from, 0.14),
		along(house, from, 0.84),
		along(house, to, 0.84),
		along(house, to, 0.14),
	];
	const tyres = axles([-0.3 * length, 0.31 * length], half, between(random, 0.3, 0.35));
	return [
		...tyres.far,
		prism(body, half, colour),
		...[-0.3, 0.31].map((x) => arch(x * length, 0.32, half)),
		...tyres.near,
		...nose(front, 0.56, half, colour),
		prism(house, narrow, colour),
		decal(pane(0.08, 0.46), narrow, GLASS),
		decal(pane(0.52, 0.94), narrow, GLASS),
		strip(along(house, 1, 0.08), along(house, 1, 0.9), -0.8 * half, 0.8 * half, GLASS),
	];
};

/** A point inside a glasshouse: `share` of the way from rear to front at `up` of its height. */
export const along = (house: readonly Corner[], share: number, up: number): Corner => {
	const [rear, rearTop, frontTop, front] = house as [Corner, Corner, Corner, Corner];
	const start = rear[0] + up * (rearTop[0] - rear[0]);
	const end = front[0] + up * (frontTop[0] - front[0]);
	return [start + share * (end - start), rear[1] + up * (rearTop[1] - rear[1])];
};
