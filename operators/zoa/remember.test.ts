import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyMix, learned, type Mix, perturbedSpans, shares, takenUp } from "./mix.js";
import { uniforms } from "./random.js";
import { inserted, mostSimilarPair, removed, similarity } from "./remember.js";
import { meanMagnitude, plus, type Vector } from "./vector.js";

const SITES = [
	{ offset: 0, channels: 3, perturbed: false },
	{ offset: 6, channels: 5, perturbed: true },
	{ offset: 16, channels: 2, perturbed: true },
];
const SPANS = perturbedSpans(SITES);
const PARAMETERS = 20;

const noise = (seed: number, scale: number): Vector =>
	Float32Array.from(uniforms(seed, PARAMETERS)[0], (u) => scale * (2 * u - 1));

const grown = (entries: number): Mix => {
	let mix = emptyMix(PARAMETERS);
	for (let i = 0; i < entries; i++) mix = inserted({ ...mix, epsilon: plus(mix.epsilon, noise(i + 1, 0.1)) }, SPANS);
	return mix;
};

const assertSame = (actual: Vector, expected: Vector) => {
	const worst = actual.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0);
	assert.ok(worst < 1e-6, `differs by ${worst}`);
};

test("spans are a perturbed site's scale and bias, apart", () => {
	assert.deepEqual(SPANS, [
		{ offset: 6, length: 5 },
		{ offset: 11, length: 5 },
		{ offset: 16, length: 2 },
		{ offset: 18, length: 2 },
	]);
});

test("remembering leaves θ where it is and makes the residual small", () => {
	const mix = { ...grown(3), epsilon: noise(9, 0.2) };
	const after = inserted(mix, SPANS);
	assertSame(learned(after), learned(mix));
	const largest = Math.max(...SPANS.map((span) => meanMagnitude(after.epsilon, span)));
	assert.ok(largest <= 0.01 + 1e-6, `mean |ε| is ${largest}`);
});

test("evicting any entry leaves θ where it is", () => {
	const mix = { ...grown(5), epsilon: noise(7, 0.05) };
	for (let entry = 1; entry <= 5; entry++) {
		const after = removed(mix, entry);
		assert.equal(after.vectors.length, 5);
		assertSame(learned(after), learned(mix));
	}
});

test("the most similar pair is found wherever it stands", () => {
	const [, ...vectors] = grown(5).vectors;
	vectors[3] = plus(vectors[1], noise(3, 0.001));
	const resemblance = (i: number, j: number) => similarity(vectors[i], vectors[j], SPANS);
	assert.deepEqual(mostSimilarPair(vectors.length, resemblance), [1, 3]);
});

test("an entry taken up is all there is", () => {
	const mix = { ...grown(3), epsilon: noise(5, 0.1) };
	const after = takenUp(mix, 2);
	assert.ok(shares(after)[2] > 0.999);
	const distance = plus(learned(after), mix.vectors[2], -1).reduce((max, d) => Math.max(max, Math.abs(d)), 0);
	assert.ok(distance < 1e-3, `differs by ${distance}`);
});
