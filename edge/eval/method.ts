import type { Frame, Manifest, Model } from "../../operators/types.js";

/** A way of adapting a frozen model while it predicts, as the evaluation sees it. */
export interface Method {
	/** As in tables and `--methods`. */
	readonly name: string;
	/** The method that it is but for one part, in studies of what the part does; run only where asked for. */
	readonly ablates?: string;
	/** Why it cannot be used with a model, in a sentence; undefined if it can. */
	refuses(manifest: Manifest): string | undefined;
	/** Begins anew, knowing nothing but the source. The model is shared and not closed. */
	open(model: Model, start: Start): Promise<Adapting>;
}

/** What a method begins with. */
export interface Start {
	readonly seed: number;
	/** Frames that a learning step looks at: the daemon's `adapt.window`, and the batch of methods that know no other. */
	readonly window: number;
}

/** The window of the published procedure, and of every stream that does not ask for another. */
export const WINDOW = 64;

/** A method at work on one stream. Deterministic: the same seed and frames give the same answers. */
export interface Adapting {
	/** Frames that it predicts together. */
	readonly batch: number;
	/** Predicts a batch of at most `batch` frames and learns what it wants from it. Calls do not overlap. */
	step(frames: readonly Frame[]): Promise<Answer>;
	close(): Promise<void>;
}

export interface Answer {
	/** Probabilities [C] of each frame. */
	readonly probabilities: readonly Float32Array[];
	/** Frames that went through the model for this step, predicted or learned from; the predicted ones count once. */
	readonly passes: number;
	/** Name of the domain that the method believes to be in, where it tells domains apart. */
	readonly domain?: string;
	/** Set in the step in which it saw the domain change. */
	readonly changed?: boolean;
	/** Bytes that what it has stored takes, where it stores anything. */
	readonly bankBytes?: number;
}
