import { between, chance, type Random } from "../random.js";
import { box, type Solid } from "../solids.js";
import { truckBody } from "./cargo.js";
import { axles, BLACK, bodyColour, cab, white } from "./parts.js";

/** A rigid truck: cab and superstructure on one short chassis with two axles. */
export const truck = (random: Random): Solid[] => {
	const [length, half] = [between(random, 5.6, 6.9), between(random, 1.02, 1.14)];
	const [tail, front] = [-length / 2, length / 2];
	const colour = chance(random, 0.55) ? white(random) : bodyColour(random);
	const radius = between(random, 0.4, 0.46);
	const cabLength = between(random, 1.55, 1.9);
	const roof = between(random, 2.15, 2.45);
	const tyres = axles([tail + 0.24 * length, front - 0.95], half, radius);
	return [
		...tyres.far,
		box(tail, front - 0.3, 0.5, 0.86, 0.45 * half, BLACK),
		...tyres.near,
		box(tail + 0.42 * length, tail + 0.54 * length, 0.45, 0.85, 0.2, [66, 66, 70], -0.7 * half),
		...truckBody(random, { x0: tail, x1: front - cabLength - 0.12, z0: 0.9, z1: between(random, 2.4, 2.95), half }),
		...cab(front - cabLength, front, 0.5, roof, half * 0.96, colour),
		...tyres.near.slice(-2),
	];
};
