import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryModel } from "../../../adapters/model.memory.js";
import { openFastfood } from "./fastfood.js";
import { answersOf, changed, sourceFrames } from "./fixtures.js";
import { pace } from "./pace.js";

describe("pace", () => {
	const frames = sourceFrames(48);
	const dark = changed(frames, (value) => 0.3 * value);
	const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

	it("learns until the parameters stand still, then predicts in one pass", async () => {
		const answers = await answersOf(pace, memoryModel(), times(60, frames));
		assert.ok(answers[0].passes > 10 * frames.length);
		assert.equal(answers.at(-1)?.passes, frames.length);
	});

	it("tells domains apart, and takes up one that it has been in where it was left", async () => {
		const answers = await answersOf(pace, memoryModel(), [
			...times(40, frames),
			...times(40, dark),
			...times(3, frames),
		]);
		assert.deepEqual(
			answers.flatMap(({ changed }, i) => (changed ? [i] : [])),
			[40, 80],
		);
		assert.deepEqual(
			[0, 40, 80].map((i) => answers[i].domain),
			["domain 1", "domain 2", "domain 1"],
		);
		assert.equal(answers[0].bankBytes, 0);
		assert.ok((answers[80].bankBytes ?? 0) > (answers[40].bankBytes ?? 0));
		assert.ok(answers[82].passes === frames.length, "it had stopped");
	});

	it("refuses a model without sites to perturb", () => {
		const { manifest } = memoryModel().bundle;
		const sites = manifest.sites.map((site) => ({ ...site, perturbed: false }));
		assert.match(pace.refuses({ ...manifest, sites }) ?? "", /none/);
	});
});

it("Fastfood maps linearly, keeps the scale, and maps the same way again", () => {
	const map = openFastfood(16, 500, 3);
	const x = Float64Array.from({ length: 16 }, (_, i) => Math.sin(i * i));
	const y = map(x);
	assert.equal(y.length, 500);
	assert.deepEqual(openFastfood(16, 500, 3)(x), y);
	assert.notDeepEqual(openFastfood(16, 500, 4)(x), y);
	const doubled = map(x.map((value) => 2 * value));
	assert.ok(doubled.every((value, i) => Math.abs(value - 2 * y[i]) < 1e-9));
	const size = (values: Float64Array) => values.reduce((sum, v) => sum + v * v, 0) / values.length;
	assert.ok(Math.abs(size(y) / size(x) - 1) < 0.35, `${size(y)} for ${size(x)}`);
});
