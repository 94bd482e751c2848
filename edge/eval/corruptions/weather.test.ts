import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomOf } from "../random.js";
import { deviation, flat, mean, scene } from "./fixtures.js";
import { frost } from "./frost.js";
import { plasma } from "./plasma.js";
import { brightness, fog, snow } from "./weather.js";

const picture = scene(64, 64, 1);

describe("weather", () => {
	it("of fog lightens what is dark and takes contrast", () => {
		const dark = { ...picture, data: picture.data.map((value) => 0.3 * value) };
		for (const severity of [1, 5] as const) {
			const foggy = fog.apply(dark, severity, randomOf(1));
			assert.ok(deviation(fog.apply(picture, severity, randomOf(1)).data) < deviation(picture.data));
			assert.ok(Math.max(...foggy.data) <= Math.max(...dark.data) + 1e-6, "the brightest value stays in reach");
		}
		const black = flat(64, 64, 0);
		black.data[0] = 1;
		assert.ok(mean(fog.apply(black, 1, randomOf(1)).data) > 0.2);
	});

	it("of snow only lightens", () => {
		const snowy = snow.apply(picture, 3, randomOf(1));
		assert.ok(snowy.data.every((value, i) => value >= picture.data[i] - 1e-6));
	});

	it("of frost lays ice of little blue, more in some places than in others", () => {
		const { data } = frost.apply(flat(64, 64, 0), 5, randomOf(1));
		const area = 64 * 64;
		const [red, blue] = [data.subarray(0, area), data.subarray(2 * area)];
		assert.ok(mean(blue) > mean(red));
		assert.ok(mean(red) > 0.15 && mean(red) < 0.6 && deviation(red) > 0.1);
	});

	it("of bright light keeps hue and saturation where it does not clip", () => {
		const { data } = brightness.apply(picture, 2, randomOf(1));
		const area = 64 * 64;
		for (let i = 0; i < area; i++) {
			const [before, after] = [picture.data, data].map((d) => [d[i], d[area + i], d[2 * area + i]]);
			const [most, more] = [Math.max(...before), Math.max(...after)];
			assert.ok(Math.abs(more - Math.min(1, most + 0.2)) < 1e-5);
			for (let c = 0; c < 3; c++) assert.ok(Math.abs(before[c] / most - after[c] / more) < 1e-5);
		}
		assert.ok(brightness.apply(flat(2, 2, 0), 1, randomOf(1)).data.every((v) => Math.abs(v - 0.1) < 1e-6));
	});
});

describe("clouds", () => {
	it("reach from 0 to 1 and are rougher the slower they decay", () => {
		const roughness = (decay: number) => {
			const clouds = plasma(64, 64, decay, randomOf(1));
			assert.equal(Math.min(...clouds), 0);
			assert.equal(Math.max(...clouds), 1);
			return clouds.reduce((sum, value, i) => sum + (i % 64 === 0 ? 0 : Math.abs(value - clouds[i - 1])), 0);
		};
		assert.ok(roughness(1.4) > 2 * roughness(2));
	});

	it("fill pictures that are not square or no power of two", () => {
		assert.equal(plasma(50, 20, 2, randomOf(1)).length, 1000);
	});
});
