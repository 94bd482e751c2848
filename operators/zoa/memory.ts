import { type RandomState, uniform } from "./random.js";
import { argmax, combination, type Vector } from "./vector.js";

/** What is kept of one frame; whatever else that is, it is balanced by the predictions. */
export interface Remembered {
	/** Predicted probabilities [C]. */
	readonly probabilities: Vector;
}

/** A prediction-balanced reservoir of frames (zoa.md, "Correlated video is the killer"). */
export interface Memory<Kept extends Remembered = Remembered> {
	readonly kept: readonly Kept[];
	/** Frames seen of each class [C], predicted. */
	readonly seen: readonly number[];
}

/** Frames that a memory keeps. */
export const MEMORY_FRAMES = 64;

export const emptyMemory = (classes: number): Memory<never> => ({ kept: [], seen: new Array(classes).fill(0) });

export const isFull = ({ kept }: Memory): boolean => kept.length >= MEMORY_FRAMES;

/** Class-balanced replacement: which slot a new frame of class `label` takes, if any. */
const slotFor = (
	memory: Memory,
	label: number,
	random: RandomState,
	size: number,
): [slot: number | undefined, RandomState] => {
	const labels = memory.kept.map((frame) => argmax(frame.probabilities));
	if (labels.length < size) return [labels.length, random];
	const counts = memory.seen.map((_, c) => labels.filter((kept) => kept === c).length);
	const largest = Math.max(...counts);
	const pick = (slots: number[]): [number, RandomState] => {
		const [u, next] = uniform(random);
		return [slots[Math.floor(u * slots.length)], next];
	};
	const slots = (accept: (c: number) => boolean) => labels.flatMap((c, i) => (accept(c) ? [i] : []));
	if (counts[label] < largest) return pick(slots((c) => counts[c] === largest));
	const [chance, next] = uniform(random);
	if (chance >= counts[label] / Math.min(memory.seen[label] + 1, size)) return [undefined, next];
	random = next;
	return pick(slots((c) => c === label));
};

/**
 * A frame offered to the memory. Until it is full every frame is kept; then a frame of a class that is not among the
 * largest replaces a random one of a largest class, and any other one of its own class with probability
 * (kept of the class) / (seen of it, at most the memory's size).
 */
export const offered = <Kept extends Remembered>(
	memory: Memory<Kept>,
	frame: Kept,
	random: RandomState,
	size = MEMORY_FRAMES,
): [Memory<Kept>, RandomState] => {
	const label = argmax(frame.probabilities);
	const [slot, next] = slotFor(memory, label, random, size);
	const kept =
		slot === undefined ? memory.kept : [...memory.kept.slice(0, slot), frame, ...memory.kept.slice(slot + 1)];
	return [{ kept, seen: memory.seen.map((n, c) => (c === label ? n + 1 : n)) }, next];
};

/** Mean predicted probabilities [C] of what is kept: the class mix that a target is made for. */
export const classMix = ({ kept }: Memory): Vector =>
	combination(
		new Float64Array(kept.length).fill(1 / kept.length),
		kept.map((frame) => frame.probabilities),
	);
