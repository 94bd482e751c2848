import { mapValues } from "./planes.js";
import { normals, poisson } from "./random.js";
import { perFrame } from "./severity.js";

/** The same deviation everywhere: poor light. */
export const gaussianNoise = perFrame("gaussian-noise", [0.08, 0.12, 0.18, 0.26, 0.38], (image, deviation, random) => {
	const normal = normals(random);
	return mapValues(image, (value) => value + deviation * normal());
});

/** Light that comes in quanta, so many in a white pixel. */
export const shotNoise = perFrame("shot-noise", [60, 25, 12, 5, 3], (image, quanta, random) =>
	mapValues(image, (value) => poisson(value * quanta, random) / quanta),
);

/** A share of the values becomes 0 or 1: salt, pepper and their colours, from faulty bits. */
export const impulseNoise = perFrame("impulse-noise", [0.03, 0.06, 0.09, 0.17, 0.27], (image, share, random) =>
	mapValues(image, (value) => (random() >= share ? value : Number(random() < 0.5))),
);
