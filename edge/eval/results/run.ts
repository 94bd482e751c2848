/** What the evaluation saw of one frame, in the stream's order. */
export interface Seen {
	/** The condition the frame was under: "clean", "fog 5". */
	readonly domain: string;
	/** The stream's segment, from 0. */
	readonly visit: number;
	/** Index into the run's labels, as is `predicted`. */
	readonly label: number;
	readonly predicted: number;
	readonly confidence: number;
	readonly correct: boolean;
	/** Forward passes of the step that predicted it, by its frames. */
	readonly passes: number;
	/** What that step took, by its frames. */
	readonly milliseconds: number;
	/** Domain that the method believed to be in. */
	readonly believed?: string | undefined;
	/** Of the step in which the method saw the domain change. */
	readonly changed?: boolean | undefined;
	readonly bankBytes?: number | undefined;
	/** Which time round, in streams that repeat the same segments. */
	readonly round?: number | undefined;
}

/** What tells a run from all others of an evaluation. */
export interface RunId {
	/** As in tables: "vit W8A8". */
	readonly model: string;
	readonly stream: string;
	readonly method: string;
	readonly seed: number;
}

/** One method on one stream. */
export interface Run extends RunId {
	readonly labels: readonly string[];
	readonly frames: readonly Seen[];
	readonly seconds: number;
	/** What the method held in memory at the end, beside the model: what could be collected once it was closed. */
	readonly heldBytes: number;
	/** Frames that a learning step looked at. */
	readonly window: number;
	/** The method that it is but for one part, see `Method.ablates`. */
	readonly ablates?: string | undefined;
}

/** The method that adapts nothing: what all others are compared with. */
export const NONE = "none";

export const keyOf = ({ model, stream, method, seed }: RunId): string => JSON.stringify([model, stream, method, seed]);

/** The run of another method, or that did nothing, on the same frames; undefined if there is none, or if it is the run itself. */
export const counterpart = (run: RunId, runs: readonly Run[], method = NONE): Run | undefined =>
	run.method === method ? undefined : runs.find((other) => keyOf(other) === keyOf({ ...run, method }));
