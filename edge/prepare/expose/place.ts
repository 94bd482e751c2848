import type { Site } from "../../../operators/types.js";

/** A place in the model where a scale and a bias for each channel can be applied. */
export interface Place {
	readonly name: string;
	readonly kind: Exclude<Site["kind"], "stem">;
	/** The tensor that scale and bias are applied to by the node that makes it. */
	readonly output: string;
	/** Its shape for one frame. */
	readonly shape: readonly number[];
	/** Which axis of it the channels are. */
	readonly axis: number;
	/** Names of the constants that hold scale and bias; without them they are 1 and 0. */
	readonly scale?: string;
	readonly bias?: string;
	/**
	 * What is done with it unless the user says otherwise. `perturbed`: by the zeroth-order step, as published (zoa.md,
	 * "Settings"); `aligned`: adaptable all the same; `closed`: left as it is.
	 */
	readonly usual: "perturbed" | "aligned" | "closed";
}
