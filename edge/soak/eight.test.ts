import assert from "node:assert/strict";
import { test } from "node:test";
import { slopeOf, watchEight } from "./eight.js";

const elsewhere = process.platform === "linux" ? false : "looks into /proc";

test("eight cameras on one model have even frame rates", { skip: elsewhere }, async () => {
	const { rates, spread, latency, predictions, faults } = await watchEight(10, 5);
	assert.equal(rates.length, 8);
	assert.ok(spread < 0.15, `${rates}`);
	assert.ok(predictions > 200 && latency.p95 < 10_000, `${predictions} predictions, ${latency.p95} ms`);
	assert.deepEqual(faults, []);
});

test("a slope is that of the best straight line", () => {
	assert.equal(
		slopeOf([
			[0, 1],
			[1, 3],
			[2, 5],
		]),
		2,
	);
	assert.equal(
		slopeOf([
			[0, 1],
			[1, 0],
			[2, 1],
		]),
		0,
	);
});
