import type { Mix } from "./mix.js";
import { type RandomState, uniforms } from "./random.js";
import { plus, type Span, type Vector, zeros } from "./vector.js";

/** Random directions of one simultaneous perturbation; entries that are not perturbed are 0. */
export interface Draws {
	/** Δα [N+1] */
	readonly alpha: Vector;
	/** Δε [P] */
	readonly epsilon: Vector;
}

export interface StepSettings {
	/** cα and c: how far the perturbed pass steps aside. */
	readonly mixPerturbation: number;
	readonly perturbation: number;
	/** Learning rates of α and ε. */
	readonly mixRate: number;
	readonly rate: number;
	/** Weight decays of α and ε. */
	readonly mixDecay: number;
	readonly decay: number;
}

/** Each entry ±U[½,1) with the sign of a fair coin; half a turn of one uniform number gives both. */
const signed = (u: number): number => (u < 0.5 ? -(0.5 + u) : u);

/** Draws for every α and for the spans of ε. */
export const draw = (random: RandomState, mix: Mix, spans: readonly Span[]): [draws: Draws, next: RandomState] => {
	const entries = spans.reduce((sum, { length }) => sum + length, 0);
	const [values, next] = uniforms(random, mix.alpha.length + entries);
	const epsilon = zeros(mix.epsilon.length);
	let from = mix.alpha.length;
	for (const { offset, length } of spans) {
		epsilon.set(values.subarray(from, from + length).map(signed), offset);
		from += length;
	}
	return [{ alpha: Float32Array.from(values.subarray(0, mix.alpha.length), signed), epsilon }, next];
};

/** (α + cα·Δα, ε + c·Δε): where the second forward pass looks. */
export const perturbed = (mix: Mix, draws: Draws, { mixPerturbation, perturbation }: StepSettings): Mix => ({
	...mix,
	alpha: plus(mix.alpha, draws.alpha, mixPerturbation),
	epsilon: plus(mix.epsilon, draws.epsilon, perturbation),
});

/**
 * One step from `difference` = L1 − L0 (zoa.md, step 7): SPSA's gradient estimate is the same scalar for all entries.
 * α moves by its sign (AdamW with a fresh state), and only once the bank holds more than the source.
 */
export const stepped = (mix: Mix, draws: Draws, difference: number, settings: StepSettings): Mix => {
	const alphaGradient = draws.alpha.map((delta) => difference / (settings.mixPerturbation * delta));
	const keep = 1 - settings.mixRate * settings.mixDecay;
	return {
		...mix,
		alpha:
			mix.vectors.length > 1
				? mix.alpha.map((a, i) => {
						const g = alphaGradient[i];
						return keep * a - (settings.mixRate * g) / (Math.abs(g) + 1e-8);
					})
				: mix.alpha,
		epsilon: mix.epsilon.map((e, i) => {
			const delta = draws.epsilon[i];
			const gradient = delta === 0 ? 0 : difference / (settings.perturbation * delta);
			return e - settings.rate * (gradient + settings.decay * e);
		}),
	};
};
