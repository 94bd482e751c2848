import { randomOf } from "../random.js";
import type { Run, Seen } from "./run.js";

/** A frame that was predicted right by one pass in a stream of one domain, but for what is said. */
export const frame = (more: Partial<Seen> = {}): Seen => {
	const correct = more.correct ?? true;
	return {
		domain: "clean",
		visit: 0,
		label: 0,
		predicted: correct ? 0 : 1,
		confidence: 0.5,
		correct,
		passes: 1,
		milliseconds: 2,
		...more,
	};
};

/** `right` frames that were predicted right, then `wrong` ones. */
export const frames = (right: number, wrong: number, more: Partial<Seen> = {}): Seen[] => [
	...Array.from({ length: right }, () => frame(more)),
	...Array.from({ length: wrong }, () => frame({ ...more, correct: false })),
];

export const run = (more: Partial<Run> = {}): Run => ({
	model: "vit W8A8",
	stream: "continual",
	method: "none",
	seed: 1,
	labels: ["car", "truck"],
	frames: frames(3, 1),
	seconds: 4,
	heldBytes: 2 ** 20,
	window: 64,
	...more,
});

/** Frames of several domains, each right with its chance by a seeded die. */
export const diced = (chances: Readonly<Record<string, number>>, count: number, ...seeds: number[]): Seen[] => {
	const random = randomOf(...seeds);
	return Object.entries(chances).flatMap(([domain, chance], visit) =>
		Array.from({ length: count }, () => frame({ domain, visit, correct: random() < chance, confidence: random() })),
	);
};
