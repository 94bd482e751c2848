import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { memoryModel } from "../../../adapters/model.memory.js";
import type { Model } from "../../../operators/types.js";
import { entropy } from "../../../operators/zoa/vector.js";
import { bn } from "./bn.js";
import { agreement, answersOf, changed, labelsOf, openBundled, patterns } from "./fixtures.js";

describe("bn on the bundled convolutional network", () => {
	let model: Model;
	before(async () => {
		model = await openBundled("cnn");
	});
	after(() => model.close());

	it("gives a batch the same answers under another contrast, which the model alone does not", async () => {
		const frames = patterns(model, 64);
		const flat = changed(frames, (value) => 0.3 * value + 20);
		const [there, here] = [
			labelsOf(await answersOf(bn, model, [flat])),
			labelsOf(await answersOf(bn, model, [frames])),
		];
		const alone = async (batch: typeof frames) => {
			const pixels = new Uint8Array(Buffer.concat(batch.map((frame) => frame.pixels)));
			const { logits } = await model.forward(pixels, model.bundle.source.affine);
			const probabilities = batch.map((_, i) => logits.slice(6 * i, 6 * i + 6));
			return labelsOf([{ probabilities, passes: 0 }]);
		};
		const plain = agreement(await alone(flat), await alone(frames));
		assert.ok(agreement(there, here) > 0.8 && plain < 0.6, `${agreement(there, here)}, ${plain}`);
	});

	it("needs at most one pass more than there are sites, and keeps nothing from one batch to the next", async () => {
		const [one, other] = [patterns(model, 40), patterns(model, 40, 1)];
		const [first, , again] = await answersOf(bn, model, [one, other, one]);
		assert.deepEqual(again, first);
		assert.ok(first.passes <= 40 * (model.bundle.manifest.sites.length + 1));
		assert.ok(first.probabilities.every((row) => entropy(row) >= 0));
	});
});

it("bn refuses models whose norms are LayerNorms", () => {
	assert.match(bn.refuses(memoryModel().bundle.manifest) ?? "", /bn needs BatchNorms/);
});
