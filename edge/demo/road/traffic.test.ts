import assert from "node:assert/strict";
import { test } from "node:test";
import { encoderArguments } from "./encoder.js";
import { area, clipped, hull } from "./polygon.js";
import { seeded } from "./random.js";
import { convoy, dominant, present } from "./traffic.js";
import { KINDS } from "./vehicles/index.js";

const labelsOf = (seed: number) => {
	const { passes, end } = convoy(seeded(seed), 3, 0);
	return Array.from({ length: end }, (_, frame) => dominant(present(passes, frame)));
};

test("the same seed drives the same traffic", () => {
	assert.deepEqual(labelsOf(5), labelsOf(5));
	assert.notDeepEqual(labelsOf(5), labelsOf(6));
});

test("some vehicle is half inside the region in at least 85 % of the frames, and every kind gets its share", () => {
	const labels = labelsOf(1);
	const named = labels.filter((label) => label !== null);
	assert.ok(named.length >= 0.85 * labels.length, `${named.length} of ${labels.length}`);
	for (const kind of KINDS) {
		const share = named.filter((label) => label === kind).length / named.length;
		assert.ok(share > 0.12 && share < 0.22, `${kind} has ${share}`);
	}
});

test("one class comes in runs, as in real video", () => {
	const labels = labelsOf(1);
	const runs = labels.filter((label, frame) => label !== null && label !== labels[frame - 1]).length;
	assert.ok(runs <= 18, `${runs} runs of 18 vehicles`);
});

test("a polygon is cut at the edges of the region", () => {
	const square = hull([
		[0, 0],
		[4, 0],
		[4, 4],
		[0, 4],
		[2, 2],
	]); // the last one lies inside
	assert.equal(area(square), 16);
	assert.equal(area(clipped(square, [2, -1, 10, 3])), 4);
	assert.equal(area(clipped(square, [9, 9, 1, 1])), 0);
});

test("zones name their last frame to the encoder, not the one after it", () => {
	const given = encoderArguments("a.mp4", 28, [{ from: 10, to: 20, share: 0.5 }]);
	assert.equal(given[given.indexOf("-x264-params") + 1], "zones=10,19,b=0.5");
});
