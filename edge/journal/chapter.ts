import { createHash } from "node:crypto";
import { sourceTheta } from "../../operators/forward.js";
import { affineOf } from "../../operators/knowledge.js";
import type { Settings } from "../../operators/settings.js";
import type { Adapted, Bundle, Command, Frame, Inferred, Knowledge } from "../../operators/types.js";

/** Of what is written here; other formats are not read. */
export const FORMAT = 3;

/** All that a chapter's rounds depend on and that does not come with them. */
export interface Head {
	readonly format: typeof FORMAT;
	/** What wrote it, in words: other programs and other machines may come to other bits. */
	readonly by: string;
	readonly model: ModelUsed;
	readonly settings: Settings;
	readonly live: boolean;
	readonly knowledge: Knowledge;
	/** Rounds before it that could not be written. */
	readonly missed: number;
}

/** The model's bundle: where it was, which it was (graphs and source statistics), and the threads that it ran on. */
export interface ModelUsed {
	readonly directory: string;
	readonly sha256: readonly [graph: string, look: string, source: string];
	readonly threads: number;
}

export const sha256Of = ({ manifest: { model, look, source } }: Bundle): ModelUsed["sha256"] => [
	model.sha256,
	look.sha256,
	source.sha256,
];

/** One round. */
export interface Entry {
	readonly given: Given;
	readonly outcome: Outcome;
}

/** What came in through the ports. */
export interface Given {
	readonly frames: readonly Frame[];
	/** What the camera said each time it was asked how many frames wait. */
	readonly waiting: readonly number[];
	readonly commands: readonly Command[];
	/** What the bank gave out. */
	readonly stored: readonly unknown[];
}

/** What came of it. */
export interface Outcome {
	/** SHA-256 of all probabilities. */
	readonly predictions: string;
	/** SHA-256 of θ after the round. */
	readonly parameters: string;
	readonly domain: string;
	/** Steps of learning, counted as in the knowledge. */
	readonly steps: number;
	readonly changes: number;
	readonly gain: number | undefined;
}

export const outcomeOf = ({ predictions, knowledge }: Inferred & Partial<Adapted>, bundle: Bundle): Outcome => ({
	predictions: digestOf(predictions.map(({ probabilities }) => probabilities)),
	parameters: digestOf([affineOf(knowledge, sourceTheta(bundle))]),
	domain: knowledge.domain.id,
	steps: knowledge.counts.steps,
	changes: knowledge.counts.domainChanges,
	gain: knowledge.gain,
});

/** In what two outcomes of a round are not the same. */
export const differing = (one: Outcome, other: Outcome): (keyof Outcome)[] =>
	(Object.keys(one) as (keyof Outcome)[]).filter((key) => !Object.is(one[key], other[key]));

const digestOf = (vectors: readonly Float32Array[]): string => {
	const hash = createHash("sha256");
	for (const vector of vectors) hash.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
	return hash.digest("hex");
};
