import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomOf } from "../random.js";
import { haze, infrared, night } from "./camera.js";
import { deviation, flat, mean, scene } from "./fixtures.js";
import { dirt, rain } from "./lens.js";

const picture = scene(64, 64, 1);
const AREA = 64 * 64;
const SEVERITIES = [1, 2, 3, 4, 5] as const;

describe("haze", () => {
	it("brings everything nearer to the sky's value, evenly, and leaves the order of values", () => {
		const values = [0, 0.3, 0.8, 1];
		for (const severity of SEVERITIES) {
			const seen = values.map((value) => haze.apply(flat(64, 64, value), severity, randomOf(1)).data);
			for (const data of seen) assert.ok(deviation(data) < 1e-6, "even");
			const [black, dark, sky, white] = seen.map(mean);
			assert.ok(black < dark && dark < sky && sky < white);
			assert.ok(Math.abs(sky - 0.8) < 1e-6, "what is as bright as the sky stays");
			assert.ok(black > 0.3 && white < 1);
		}
	});
});

describe("night", () => {
	it("darkens more and more, and blue most", () => {
		const levels = SEVERITIES.map((severity) => mean(night.apply(picture, severity, randomOf(1)).data));
		assert.ok(levels[0] < 0.6 * mean(picture.data));
		for (let i = 1; i < 5; i++) assert.ok(levels[i] < levels[i - 1]);
		const { data } = night.apply(flat(64, 64, 0.5), 2, randomOf(1));
		assert.ok(mean(data.subarray(2 * AREA)) < mean(data.subarray(0, AREA)));
	});

	it("is noisier against what is left of the picture", () => {
		const share = SEVERITIES.map((severity) => {
			const red = night.apply(flat(64, 64, 0.6), severity, randomOf(1)).data.subarray(0, AREA);
			return deviation(red) / mean(red);
		});
		assert.ok(share[0] < 0.05);
		for (let i = 1; i < 5; i++) assert.ok(share[i] > 1.2 * share[i - 1]);
	});
});

describe("infrared", () => {
	it("has no colours, a bright middle and dark corners", () => {
		const { data } = infrared.apply(picture, 3, randomOf(1));
		assert.deepEqual(data.subarray(0, AREA), data.subarray(AREA, 2 * AREA));
		assert.deepEqual(data.subarray(0, AREA), data.subarray(2 * AREA));
		const lit = infrared.apply(flat(64, 64, 0.4), 5, randomOf(1)).data;
		const row = (y: number) => mean(lit.subarray(64 * y, 64 * y + 8));
		assert.ok(lit[32 * 64 + 32] > 0.8);
		assert.ok(row(0) < 0.25 && row(63) < 0.25);
	});
});

describe("rain", () => {
	it("changes more of the picture with each severity, and nothing between the drops", () => {
		const shares = SEVERITIES.map((severity) => {
			const { data } = rain.apply(picture, severity, randomOf(2));
			return data.filter((value, i) => Math.abs(value - picture.data[i]) > 1e-6).length / data.length;
		});
		assert.ok(shares[0] > 0.005 && shares[4] < 0.9, shares.join(" "));
		for (let i = 1; i < 5; i++) assert.ok(shares[i] > shares[i - 1], shares.join(" "));
	});
});

describe("dirt", () => {
	it("never lightens what is lighter than mud, and hides more with each severity", () => {
		const white = flat(64, 64, 0.9);
		const levels = SEVERITIES.map((severity) => mean(dirt.apply(white, severity, randomOf(2)).data));
		for (let i = 1; i < 5; i++) assert.ok(levels[i] < levels[i - 1], levels.join(" "));
		assert.ok(dirt.apply(white, 5, randomOf(2)).data.every((value) => value <= 0.9 + 1e-6));
	});
});
