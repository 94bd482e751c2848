import assert from "node:assert/strict";
import { test } from "node:test";
import { uniforms } from "./random.js";
import { showTheSame, thumbnail } from "./thumbnail.js";

const SIDE = 16;

/** A bright square on grey, in three planes, under the given light and noise. */
const picture = (left: number, top: number, { light = 1, haze = 0, noise = 0, seed = 1 } = {}) => {
	const [draws] = uniforms(seed, 3 * SIDE * SIDE);
	return Uint8Array.from(draws, (u, i) => {
		const [x, y] = [i % SIDE, Math.floor(i / SIDE) % SIDE];
		const isInside = x >= left && x < left + 6 && y >= top && y < top + 6;
		return Math.max(0, Math.min(255, light * (isInside ? 160 : 60) + haze + noise * (u - 0.5)));
	});
};

const of = (...[left, top, light]: Parameters<typeof picture>) => thumbnail(picture(left, top, light), SIDE, SIDE);

test("the same in another light, in haze or with noise is the same again", () => {
	const plain = of(2, 2);
	assert.ok(showTheSame(plain, of(2, 2, { light: 0.2 })));
	assert.ok(showTheSame(plain, of(2, 2, { light: 0.4, haze: 120 })));
	assert.ok(showTheSame(plain, of(2, 2, { noise: 80 })));
	assert.ok(showTheSame(plain, of(2, 3)), "a little further on");
});

test("the same somewhere else is not", () => {
	assert.ok(!showTheSame(of(2, 2), of(8, 8)));
});

test("flat pictures are all the same, and of any size", () => {
	const flat = (value: number) => thumbnail(new Uint8Array(3 * SIDE * SIDE).fill(value), SIDE, SIDE);
	assert.ok(showTheSame(flat(0), flat(255)));
	assert.ok(thumbnail(Uint8Array.of(1, 2, 3), 1, 1).every(Number.isFinite));
});
