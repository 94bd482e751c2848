/**
 * CMA-ES: minimizes a function of which only values are known, by sampling around a mean and learning from the better
 * half which way and how far to sample next.
 *
 * After Hansen, The CMA Evolution Strategy: A Tutorial, 2016, arXiv 1604.00772, whose settings these are, with positive
 * weights only. The covariance is kept as a triangular factor that each generation's rank-one updates go into directly
 * (Krause, Arbonès, Igel, CMA-ES with Optimal Covariance Update and Storage Complexity, NeurIPS 2016): n² steps for
 * each instead of the n³ of an eigendecomposition, which for the 2304 values of a ViT-B's prompts would take longer
 * than the model.
 */

import { type RandomState, uniforms } from "../../../operators/zoa/random.js";

export interface CmaOptions {
	/** Where the search begins; its length is the number of unknowns. */
	readonly mean: Float64Array;
	/** σ: how far the first samples are scattered, in each direction. */
	readonly deviation: number;
	/** Samples of a generation; at least 2. Default: 4 + ⌊3·ln n⌋. */
	readonly population?: number;
	readonly seed: RandomState;
}

export interface Cma {
	/** m: the best guess so far. A copy. */
	mean(): Float64Array;
	/** σ */
	deviation(): number;
	/** The samples of the next generation. */
	ask(): readonly Float64Array[];
	/** Their values, in the order in which they were asked for. What is not finite counts as worst. */
	tell(values: readonly number[]): void;
}

/** The usual number of samples of a generation for n unknowns. */
export const usualPopulation = (unknowns: number): number => 4 + Math.floor(3 * Math.log(unknowns));

export function openCma({ mean: start, deviation, population, seed }: CmaOptions): Cma {
	const n = start.length;
	const settings = settingsOf(n, Math.max(2, population ?? usualPopulation(n)));
	const { weights, effective, stepRate, stepDamping, pathRate, oneRate, manyRate } = settings;
	const expected = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
	const factor = identity(n);
	const stepPath = new Float64Array(n);
	const path = new Float64Array(n);
	let mean: Float64Array = start.slice();
	let sigma = deviation;
	let generation = 0;
	let random = seed;
	let normals: readonly Float64Array[] = [];

	return {
		mean: () => mean.slice(),
		deviation: () => sigma,
		ask: () => {
			normals = Array.from({ length: settings.population }, () => {
				const [drawn, next] = gaussians(random, n);
				random = next;
				return drawn;
			});
			return normals.map((z) => sum(mean, factorTimes(factor, z), sigma));
		},
		tell: (values) => {
			generation++;
			const order = values
				.map((value, i) => ({ value: Number.isFinite(value) ? value : Number.POSITIVE_INFINITY, i }))
				.sort((a, b) => (a.value === b.value ? a.i - b.i : a.value - b.value))
				.slice(0, weights.length);
			const best = order.map(({ i }) => normals[i]);
			const z = weighted(best, weights);
			const move = factorTimes(factor, z);
			mean = sum(mean, move, sigma);
			follow(stepPath, z, stepRate, effective);
			// The covariance does not follow while the step size is about to jump.
			const length = Math.sqrt(squares(stepPath) / (1 - (1 - stepRate) ** (2 * generation)));
			const isCalm = length < (1.4 + 2 / (n + 1)) * expected;
			follow(path, isCalm ? move : new Float64Array(n), pathRate, effective);
			const directions = best.map((one) => factorTimes(factor, one));
			const kept = 1 - oneRate - manyRate + (isCalm ? 0 : oneRate * pathRate * (2 - pathRate));
			scale(factor, Math.sqrt(kept));
			rankOne(factor, path, oneRate);
			for (const [k, direction] of directions.entries()) rankOne(factor, direction, manyRate * weights[k]);
			sigma *= Math.exp(Math.min(1, (stepRate / stepDamping) * (Math.sqrt(squares(stepPath)) / expected - 1)));
		},
	};
}

/** The tutorial's settings, table 1. */
function settingsOf(n: number, population: number) {
	const half = Math.floor(population / 2);
	const raw = Float64Array.from({ length: half }, (_, i) => Math.log((population + 1) / 2) - Math.log(i + 1));
	const total = raw.reduce((a, b) => a + b);
	const weights = raw.map((weight) => weight / total);
	const effective = 1 / squares(weights);
	const stepRate = (effective + 2) / (n + effective + 5);
	const oneRate = 2 / ((n + 1.3) ** 2 + effective);
	return {
		population,
		weights,
		effective,
		stepRate,
		stepDamping: 1 + 2 * Math.max(0, Math.sqrt((effective - 1) / (n + 1)) - 1) + stepRate,
		pathRate: (4 + effective / n) / (n + 4 + (2 * effective) / n),
		oneRate,
		manyRate: Math.min(1 - oneRate, (2 * (effective - 2 + 1 / effective)) / ((n + 2) ** 2 + effective)),
	};
}

/** An evolution path: what remains of it and the newest step, so that it keeps its length where steps are random. */
function follow(path: Float64Array, step: Float64Array, rate: number, effective: number): void {
	const share = Math.sqrt(rate * (2 - rate) * effective);
	for (let i = 0; i < path.length; i++) path[i] = (1 - rate) * path[i] + share * step[i];
}

// ---------------------------------------------------------------- triangular factor: columns from the diagonal down

type Factor = readonly Float64Array[];

const identity = (n: number): Factor =>
	Array.from({ length: n }, (_, j) => Float64Array.from({ length: n - j }, (_, i) => (i === 0 ? 1 : 0)));

/** A·z */
function factorTimes(factor: Factor, z: Float64Array): Float64Array {
	const product = new Float64Array(z.length);
	for (const [j, column] of factor.entries()) {
		const value = z[j];
		for (let i = 0; i < column.length; i++) product[j + i] += column[i] * value;
	}
	return product;
}

/** A ← k·A */
function scale(factor: Factor, k: number): void {
	for (const column of factor) for (let i = 0; i < column.length; i++) column[i] *= k;
}

/** A ← the factor of A·Aᵀ + weight·v·vᵀ, for a weight that is not negative. */
function rankOne(factor: Factor, v: Float64Array, weight: number): void {
	if (weight === 0) return;
	const rest = v.map((value) => value * Math.sqrt(weight));
	for (const [j, column] of factor.entries()) {
		const before = column[0];
		const after = Math.hypot(before, rest[j]);
		const [cosine, sine] = [before / after, rest[j] / after];
		column[0] = after;
		for (let i = 1; i < column.length; i++) {
			const entry = column[i];
			const other = rest[j + i];
			column[i] = cosine * entry + sine * other;
			rest[j + i] = cosine * other - sine * entry;
		}
	}
}

// ---------------------------------------------------------------- vectors

/** x + k·y */
const sum = (x: Float64Array, y: Float64Array, k: number): Float64Array => x.map((value, i) => value + k * y[i]);

const squares = (x: Float64Array): number => x.reduce((total, value) => total + value * value, 0);

const weighted = (vectors: readonly Float64Array[], weights: Float64Array): Float64Array => {
	const total = new Float64Array(vectors[0].length);
	for (const [k, vector] of vectors.entries())
		for (let i = 0; i < total.length; i++) total[i] += weights[k] * vector[i];
	return total;
};

/** Normally distributed numbers by Box's and Muller's transform, and the generator's state after them. */
export function gaussians(state: RandomState, count: number): [values: Float64Array, next: RandomState] {
	const [drawn, next] = uniforms(state, 2 * Math.ceil(count / 2));
	const values = Float64Array.from({ length: count }, (_, i) => {
		const pair = i - (i % 2);
		const radius = Math.sqrt(-2 * Math.log(1 - drawn[pair]));
		const angle = 2 * Math.PI * drawn[pair + 1];
		return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
	});
	return [values, next];
}
