import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { workshops } from "./fixtures.js";
import { tinyResNet } from "./fixtures.resnet.js";
import { prepare } from "./prepare.js";

const open = workshops();

describe("the report", () => {
	for (const bits of [8, 4] as const) {
		it(`names the layers that lost most first, and says what opening cost (${bits} bits)`, async () => {
			const { report } = await prepare({ ...(await open(tinyResNet({ pool: true }))), bits });
			const errors = report.layers.map(({ error }) => error);
			assert.deepEqual(
				errors,
				errors.toSorted((a, b) => b - a),
			);
			// Stem, two convolutions in each block, and a shortcut; the classifier is no integer one.
			assert.equal(report.layers.length, 1 + 8 + 1);
			assert.ok(
				errors.every((error) => error > 0 && error < (bits === 8 ? 0.1 : 2)),
				`${errors}`,
			);
			assert.ok(Number.isFinite(report.opening));
			const { float, quantized = Number.NaN, adaptable } = report.milliseconds;
			assert.ok(float > 0 && quantized > 0 && adaptable > 0);
			assert.ok(report.bytes.prepared > 0 && report.bytes.float > 0);
		});
	}

	it("names products of a transformer", async () => {
		const { report } = await prepare(await open());
		assert.ok(report.layers.some(({ kind }) => kind === "product"));
		assert.ok(report.layers.every(({ error }) => Number.isFinite(error)));
	});

	it("has no quantized column and no layers in float", async () => {
		const { report } = await prepare({ ...(await open(tinyResNet())), bits: 32 });
		assert.deepEqual(report.layers, []);
		assert.deepEqual(Object.keys(report.milliseconds).sort(), ["adaptable", "float"]);
		assert.ok(Number.isFinite(report.opening));
	});
});
