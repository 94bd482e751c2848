import { combination, plus, type Span, softmax, type Vector, zeros } from "./vector.js";

/** What zeroth-order steps have learned: a bank of remembered vectors, how much of each, and a residual. */
export interface Mix {
	/** α [N+1]: logits of the bank's shares. */
	readonly alpha: Vector;
	/** V[0..N], each [P]; V[0] = 0, the source, always. */
	readonly vectors: readonly Vector[];
	/** ε [P] */
	readonly epsilon: Vector;
}

/** How sharply α chooses: π = softmax(10·α) (zoa.md, "Words"). */
export const SHARPNESS = 10;

/** A bank that holds the source alone. */
export const emptyMix = (parameters: number): Mix => ({
	alpha: Float32Array.of(1),
	vectors: [zeros(parameters)],
	epsilon: zeros(parameters),
});

/** π [N+1]: the share of each bank entry. */
export const shares = ({ alpha }: Mix): Vector => softmax(alpha, SHARPNESS);

/** Σ π_i·V_i + ε [P]: all that was learned, as a difference to the source. */
export const learned = (mix: Mix): Vector => plus(combination(shares(mix), mix.vectors), mix.epsilon);

/** The same bank and shares with ε chosen so that `learned` gives `target`. */
export const rebased = (mix: Mix, target: Vector): Mix => ({
	...mix,
	epsilon: plus(target, combination(shares(mix), mix.vectors), -1),
});

/** Entry `index` (from 1) taken up: all of it and nothing else (design.md, "parameters are inputs"). */
export const takenUp = ({ vectors, epsilon }: Mix, index: number): Mix => ({
	alpha: Float32Array.from(vectors, (_, i) => (i === index ? 1 : 0)),
	vectors,
	epsilon: zeros(epsilon.length),
});

/** Where a site's scale and, right after it, its bias stand in `affine`. */
export interface AffineSite {
	readonly offset: number;
	readonly channels: number;
	readonly perturbed: boolean;
}

/** The vectors of `affine` that zeroth-order steps move: of each perturbed site its scale and its bias, apart. */
export const perturbedSpans = (sites: readonly AffineSite[]): Span[] =>
	sites
		.filter((site) => site.perturbed)
		.flatMap(({ offset, channels }) => [
			{ offset, length: channels },
			{ offset: offset + channels, length: channels },
		]);
