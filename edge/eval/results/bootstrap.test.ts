import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "../random.js";
import { differences, pooledDifference, verdict } from "./bootstrap.js";
import { diced, frames } from "./fixtures.js";

test("a gain in every frame is certain, and so is none", () => {
	const fog = { domain: "fog 5", visit: 1 };
	const [right, wrong] = [
		[...frames(40, 0), ...frames(40, 0, fog)],
		[...frames(40, 0), ...frames(0, 40, fog)],
	];
	const { domains, mean } = differences([[right, wrong]]);
	assert.deepEqual(domains.get("clean"), { difference: 0, low: 0, high: 0, count: 40 });
	assert.deepEqual(domains.get("fog 5"), { difference: 1, low: 1, high: 1, count: 40 });
	assert.deepEqual(mean, { difference: 0.5, low: 0.5, high: 0.5, count: 80 });
});

test("the interval of independent frames is about as wide as their deviation says", () => {
	const pairs = [1, 2].map((seed) => [diced({ fog: 0.7 }, 800, seed), diced({ fog: 0.6 }, 800, seed, 9)] as const);
	const { difference, low, high } = differences(pairs).mean;
	const expected = 1.96 * Math.sqrt((0.7 * 0.3 + 0.6 * 0.4) / 1600);
	assert.ok(Math.abs((high - low) / 2 / expected - 1) < 0.25, `${(high - low) / 2} against ${expected}`);
	assert.ok(low < difference && difference < high);
});

test("of twenty intervals between equals about one leaves nothing out, not ten", () => {
	const verdicts = Array.from({ length: 100 }, (_, seed) =>
		verdict(differences([[diced({ a: 0.6 }, 400, seed), diced({ a: 0.6 }, 400, seed, 7)]], { resamples: 400 }).mean),
	);
	assert.ok(verdicts.filter((found) => found !== 0).length <= 15);
});

test("seeds are pooled: two of them narrow the interval", () => {
	const pair = (seed: number) => [diced({ a: 0.7 }, 320, seed), diced({ a: 0.5 }, 320, seed, 5)] as const;
	const width = (count: number) => {
		const { low, high } = differences(Array.from({ length: count }, (_, i) => pair(i))).mean;
		return high - low;
	};
	assert.ok(width(4) < 0.65 * width(1));
});

test("the same seed gives the same interval to the last digit, another seed another", () => {
	const pairs = [[diced({ a: 0.7, b: 0.4 }, 200, 1), diced({ a: 0.6, b: 0.5 }, 200, 2)]] as const;
	assert.deepEqual(differences(pairs), differences(pairs));
	assert.notDeepEqual(differences(pairs).mean, differences(pairs, { seed: 2 }).mean);
});

test("a few frames say nothing, however alike", () => {
	assert.equal(verdict(differences([[frames(8, 0), frames(0, 8)]]).mean), 0);
	assert.equal(verdict(differences([[frames(0, 30), frames(30, 0)]]).mean), -1);
});

test("the interval of a mean is about as wide as its standard error says, that of one value has no width", () => {
	const random = randomOf(3);
	const values = Array.from({ length: 60 }, () => ({ difference: random() - 0.5, frames: 64 }));
	const { difference, low, high, count } = pooledDifference(values);
	const expected = 1.96 * Math.sqrt(1 / 12 / 60);
	assert.ok(Math.abs((high - low) / 2 / expected - 1) < 0.25, `${(high - low) / 2} against ${expected}`);
	assert.ok(low < difference && difference < high);
	assert.equal(count, 60);
	assert.deepEqual(pooledDifference(values.slice(0, 1).map((one) => ({ ...one, difference: 0.25 }))), {
		difference: 0.25,
		low: 0.25,
		high: 0.25,
		count: 1,
	});
});

test("what has few frames counts little in a pooled mean", () => {
	const { difference } = pooledDifference([
		{ difference: 1, frames: 10 },
		{ difference: 0, frames: 30 },
	]);
	assert.equal(difference, 0.25);
});
