import type { StepSettings } from "./zoa/spsa.js";

/** How one camera's frames are handled. Defaults and meanings: `config/schema.ts`. */
export interface Settings {
	/** Frames of a batch and how many milliseconds a live source's batch waits for them. */
	readonly batch: { readonly frames: number; readonly patience: number };
	/** Absent: the model stays as it was prepared. */
	readonly learning: Learning | undefined;
}

/** How a camera learns; the numbers' source: zoa.md, "Settings". */
export interface Learning {
	/** As published, oddities and all (`zoa-reference`), or with the repairs of `zoa`. */
	readonly published: boolean;
	/** `zoa+`: alignment in sweeps from front to back, over frames that are kept. Absent: the other methods. */
	readonly sweep?: Sweeping;
	/** Closed-form alignment before the zeroth-order steps. */
	readonly align: boolean;
	/** Zeroth-order steps on what is left. */
	readonly refine: boolean;
	/** Frames that a zeroth-order step looks at. */
	readonly window: number;
	/** As published: shift score above which the domain has changed. */
	readonly threshold: number;
	/** Ours: changes an hour that may be seen where there are none. */
	readonly falseAlarms: number;
	/** Shift score under which a stored domain is the present one. */
	readonly nearness: number;
	/** Shift score between memory and target above which alignment acts. */
	readonly gate: number;
	/** Domains that are remembered. */
	readonly bank: number;
	/** λ of the loss. */
	readonly lambda: number;
	readonly step: StepSettings;
	/** Frames from one checkpoint to the next. */
	readonly checkpoint: number;
	/** Seed of the perturbations and of the memory. */
	readonly seed: number;
}

export interface Sweeping {
	/** Share of the frames that go through the model that may be learning's, from 0 to below 1. */
	readonly cpu: number;
	/** A part that is left out, in studies of what it does. */
	readonly without?: SweepPart;
}

/**
 * `classes`: targets for the classes in view; `order`: one group of sites after the other; `balance`: frames of all classes
 * and none twice; `kinds`: frames that do not look like their domain given what is known of their kind; `candidate`:
 * strangers studied before they count as a domain; `guard`: the source where nothing better is found, or where the model is
 * nearly as sure as usual; `drift`: swept anew where the latest frames are out of line; `smoothing`: pictures smoothed that
 * noise lies on.
 */
export type SweepPart = "classes" | "order" | "balance" | "kinds" | "candidate" | "guard" | "drift" | "smoothing";
