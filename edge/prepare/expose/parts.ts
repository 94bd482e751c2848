import { Mistake } from "../../mistake.js";
import type { Opened } from "../open/open.js";
import { findConvolutional } from "./convolutional.js";
import { findHead, type Head } from "./head.js";
import type { Place } from "./place.js";
import { type Shapes, shapesOf } from "./shapes.js";
import { findStem, type Stem } from "./stem.js";
import { findTransformer } from "./transformer.js";

/** What is taken from a tensor, one number for each channel. */
export interface Reading {
	readonly tensor: string;
	/** Its shape for one frame. */
	readonly shape: readonly number[];
	/** Which axis of it the channels are. */
	readonly axis: number;
	/** `first`: of the first token; `mean`: over all positions. */
	readonly take: "first" | "mean";
}

/** The parts of a classifier, by the names of the tensors that pass between them. */
export interface Parts {
	/** What was found, for people: "a transformer of 12 blocks with a class token". */
	readonly family: string;
	readonly stem: Stem;
	/** In graph order. */
	readonly places: readonly Place[];
	/** What the published detector looks at; `skip`: how many tokens come before the first patch. */
	readonly tokens: {
		readonly tensor: string;
		readonly shape: readonly number[];
		readonly axis: number;
		readonly skip: number;
	};
	/** The loss's features, a reading for each stage. */
	readonly taps: readonly Reading[];
	readonly head: Head;
	readonly shapes: Shapes;
}

/**
 * Recognises the parts of an image classifier.
 * @throws {Mistake} naming the first part that is not as expected
 */
export async function findParts(opened: Opened): Promise<Parts> {
	const shapes = await shapesOf(opened);
	const stem = findStem(opened, shapes);
	const head = findHead(opened, shapes);
	const found = findTransformer(opened, shapes, stem, head) ?? findConvolutional(opened, shapes, stem, head);
	if (found.places.length === 0) {
		throw new Mistake("found no place to adapt: expected norms, or convolutions behind the first one");
	}
	return { stem, head, shapes, ...found };
}

/** Whether a tensor's values are a mean over positions of which there are several. */
export const positionsOf = ({ shape, axis }: Pick<Reading, "shape" | "axis">): number =>
	shape.reduce((count, length, i) => (i === 0 || i === axis ? count : count * length), 1);
