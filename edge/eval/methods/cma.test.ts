import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gaussians, openCma } from "./cma.js";

type Problem = (x: Float64Array) => number;

/** The best value found within so many evaluations. */
function minimized(problem: Problem, start: Float64Array, evaluations: number, seed = 1, population?: number): number {
	const cma = openCma({ mean: start, deviation: 0.5, seed, ...(population === undefined ? {} : { population }) });
	let best = Number.POSITIVE_INFINITY;
	for (let spent = 0; spent < evaluations; ) {
		const values = cma.ask().map(problem);
		cma.tell(values);
		best = Math.min(best, ...values);
		spent += values.length;
	}
	return best;
}

const sphere: Problem = (x) => x.reduce((sum, value) => sum + value * value, 0);
const ellipsoid: Problem = (x) => x.reduce((sum, v, i) => sum + 10 ** ((6 * i) / (x.length - 1)) * v * v, 0);
/** The ellipsoid mirrored, so that none of its axes is a coordinate's. */
const turned: Problem = (x) => {
	const sum = x.reduce((a, b) => a + b);
	return ellipsoid(x.map((value) => value - (2 * sum) / x.length));
};
const rosenbrock: Problem = (x) => {
	let sum = 0;
	for (let i = 0; i + 1 < x.length; i++) sum += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2;
	return sum;
};
const ones = (n: number) => new Float64Array(n).fill(1);

describe("CMA-ES", () => {
	it("finds the middle of a sphere", () => assert.ok(minimized(sphere, ones(10), 2500) < 1e-9));
	it("finds that of an ellipsoid a thousand times as long as wide", () =>
		assert.ok(minimized(ellipsoid, ones(8), 6000) < 1e-9));
	it("and where it lies across the axes", () => assert.ok(minimized(turned, ones(8), 6000) < 1e-9));
	it("follows Rosenbrock's valley", () => assert.ok(minimized(rosenbrock, new Float64Array(6), 8000) < 1e-9));
	it("gets nearer with two samples a generation, and in hundreds of dimensions", () => {
		assert.ok(minimized(sphere, ones(6), 1500, 1, 2) < 1e-2);
		assert.ok(minimized(sphere, ones(300), 3000) < 200);
	});

	it("draws the same samples for the same seed and other ones for another", () => {
		const options = { mean: ones(5), deviation: 0.3 };
		const [first, again, other] = [1, 1, 2].map((seed) => openCma({ ...options, seed }).ask());
		assert.deepEqual(first, again);
		assert.notDeepEqual(first, other);
	});

	it("learns only from the order of the values, and takes one that is no number for the worst", () => {
		const means = [
			(value: number) => value,
			(value: number) => Math.exp(value),
			(value: number, i: number) => (i === 3 ? Number.NaN : value),
		].map((change) => {
			const cma = openCma({ mean: ones(4), deviation: 0.3, seed: 5 });
			cma.tell(cma.ask().map((_, i) => change(i === 3 ? 100 : i, i)));
			return cma.mean();
		});
		assert.deepEqual(means[0], means[1]);
		assert.deepEqual(means[0], means[2]);
	});
});

it("normally distributed numbers have mean 0 and variance 1", () => {
	const [values] = gaussians(3, 20_001);
	const mean = values.reduce((a, b) => a + b) / values.length;
	const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length - mean ** 2;
	assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.03, `${mean}, ${variance}`);
});
