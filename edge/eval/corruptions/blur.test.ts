import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomOf } from "../random.js";
import { defocusBlur, glassBlur, motionBlur, zoomBlur } from "./blur.js";
import { convolve, disk, gaussianBlur, mirrored, type Tap } from "./filter.js";
import { deviation, distance, draw, flat, mean, scene, shrunk } from "./fixtures.js";

const SIDE = 225;
const MIDDLE = (SIDE - 1) / 2;
/** A white point on black. */
const point = draw(SIDE, SIDE, (u, v) => (Math.hypot(u - 0.5, v - 0.5) < 0.5 / SIDE ? [1, 1, 1] : [0, 0, 0]));
const lit = (plane: Float32Array) =>
	[...plane.subarray(0, SIDE * SIDE)].flatMap((value, i) =>
		value > 1e-9 ? [{ x: (i % SIDE) - MIDDLE, y: Math.floor(i / SIDE) - MIDDLE, value }] : [],
	);

describe("blur", () => {
	it("leaves a picture of one colour alone", () => {
		const grey = flat(40, 30, 0.4);
		for (const corruption of [defocusBlur, glassBlur, motionBlur, zoomBlur]) {
			assert.ok(distance(corruption.apply(grey, 5, randomOf(1)), grey) < 1e-10, corruption.name);
		}
	});

	it("out of focus makes a uniform disk of the published radius of a point", () => {
		const pixels = lit(defocusBlur.apply(point, 5, randomOf(1)).data);
		const radius = (10 * SIDE) / 224;
		assert.ok(pixels.every(({ x, y }) => Math.hypot(x, y) < radius + 1));
		const full = 1 / (Math.PI * radius ** 2);
		const inner = pixels.filter(({ x, y }) => Math.hypot(x, y) < radius - 1);
		assert.ok(inner.length > 200);
		assert.ok(inner.every(({ value }) => Math.abs(value - full) < 0.02 * full));
	});

	it("of motion makes a streak to one side, at most 45 degrees from level", () => {
		const pixels = lit(motionBlur.apply(point, 5, randomOf(3)).data).filter(({ value }) => value > 0.005);
		const far = pixels.reduce((most, pixel) => (Math.abs(pixel.x) > Math.abs(most.x) ? pixel : most));
		const angle = Math.atan2(far.y, far.x);
		assert.ok(Math.abs(Math.sin(angle)) <= Math.SQRT1_2 + 0.05);
		for (const { x, y } of pixels) {
			assert.ok(Math.abs(x * Math.sin(angle) - y * Math.cos(angle)) < 2, "on the line");
			assert.ok(x * Math.cos(angle) + y * Math.sin(angle) > -2, "on its side");
		}
	});

	it("of zooming leaves the middle sharper than the rim", () => {
		const stripes = draw(128, 128, (u) => (Math.floor(64 * u) % 2 === 0 ? [1, 1, 1] : [0, 0, 0]));
		const { data } = zoomBlur.apply(stripes, 3, randomOf(1));
		const part = (from: number) => deviation(data.subarray(64 * 128 + from, 64 * 128 + from + 8));
		assert.ok(part(60) > 4 * part(4));
	});

	it("through glass keeps the mean and takes sharpness", () => {
		const picture = scene(64, 64, 1);
		const { data } = glassBlur.apply(picture, 5, randomOf(1));
		assert.ok(Math.abs(mean(data) - mean(picture.data)) < 0.01);
		assert.ok(deviation(data) < deviation(picture.data));
	});

	it("is the same thing at another size", () => {
		const large = scene(256, 256, 2);
		const small = shrunk(large, 4);
		for (const corruption of [defocusBlur, motionBlur, zoomBlur]) {
			const blurred = corruption.apply(small, 5, randomOf(9));
			const expected = shrunk(corruption.apply(large, 5, randomOf(9)), 4);
			assert.ok(distance(blurred, expected) < 0.15 * distance(expected, small), corruption.name);
		}
	});
});

describe("convolution", () => {
	const { data } = scene(23, 17, 1);
	const plane = data.subarray(0, 23 * 17);
	const slowly = (taps: readonly Tap[]) =>
		Float32Array.from(plane, (_, i) => {
			const [x, y] = [i % 23, Math.floor(i / 23)];
			return taps.reduce(
				(sum, { dx, dy, weight }) => sum + weight * plane[mirrored(y + dy, 17) * 23 + mirrored(x + dx, 23)],
				0,
			);
		});

	it("is what its definition says, the quick way too and further out than the plane is wide", () => {
		for (const taps of [disk(0.4), disk(2.3), disk(9), disk(30), [{ dx: -2, dy: 1, weight: 0.5 }]]) {
			const [quick, slow] = [convolve(plane, 23, 17, taps), slowly(taps)];
			assert.ok(quick.every((value, i) => Math.abs(value - slow[i]) < 1e-5));
		}
	});

	it("by a bell curve has the deviation asked for", () => {
		const delta = Float32Array.from({ length: 81 * 81 }, (_, i) => Number(i === 40 * 81 + 40));
		const blurred = gaussianBlur(delta, 81, 81, 5);
		const variance = blurred.reduce((sum, value, i) => sum + value * ((i % 81) - 40) ** 2, 0);
		assert.ok(Math.abs(Math.sqrt(variance) - 5) < 0.05);
		assert.deepEqual(gaussianBlur(delta, 81, 81, 0), delta);
	});
});
