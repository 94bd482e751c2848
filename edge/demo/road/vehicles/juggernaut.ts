import { between, chance, type Random } from "../random.js";
import { box, type Solid } from "../solids.js";
import { trailerBody } from "./cargo.js";
import { axles, BLACK, bodyColour, cab, white } from "./parts.js";

/** An articulated lorry: a tall tractor, a gap, and a long semi-trailer on three axles. It is drawn shorter than life, to fit the region. */
export const juggernaut = (random: Random): Solid[] => {
	const [length, half] = [between(random, 9.2, 10.4), between(random, 1.18, 1.26)];
	const [tail, front] = [-length / 2, length / 2];
	const colour = chance(random, 0.6) ? white(random) : bodyColour(random);
	const cabLength = between(random, 1.6, 1.85);
	const rear = axles(
		[0.7, 1.65, 2.6].map((x) => tail + x),
		half,
		0.45,
	);
	const drive = axles([front - 3.1, front - 1], half, 0.48);
	const roof = between(random, 2.95, 3.3);
	return [
		...rear.far,
		...drive.far,
		box(tail, front - cabLength - 0.4, 0.75, 1.05, 0.4 * half, BLACK),
		box(front - 3.9, front - 0.4, 0.5, 0.8, 0.45 * half, BLACK),
		...rear.near,
		...drive.near,
		...trailerBody(random, { x0: tail, x1: front - cabLength - 0.5, z0: 1.08, z1: between(random, 2.7, 3.3), half }),
		box(front - cabLength - 0.42, front - cabLength - 0.3, 0.9, 2.1, 0.5 * half, BLACK),
		...cab(front - cabLength, front, 0.55, roof, half * 0.97, colour),
		...drive.near.slice(-2),
	];
};
