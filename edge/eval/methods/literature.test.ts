import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { memoryModel } from "../../../adapters/model.memory.js";
import type { Frame, Model } from "../../../operators/types.js";
import type { Method } from "../method.js";
import { bn } from "./bn.js";
import { answersOf, openBundled, patterns, sourceFrames } from "./fixtures.js";
import { foa } from "./foa.js";
import { lame } from "./lame.js";
import { neo, neoContinual } from "./neo.js";
import { pace } from "./pace.js";
import { t3a } from "./t3a.js";

/** What everything that calls itself a `Method` has to do. */
function methodContract(method: Method, open: () => Promise<Model>, frames: (model: Model) => readonly Frame[]): void {
	describe(`${method.name} as a method`, () => {
		let model: Model;
		let batch: readonly Frame[];
		before(async () => {
			model = await open();
			batch = frames(model);
		});
		after(() => model.close());

		it("takes the model", () => assert.equal(method.refuses(model.bundle.manifest), undefined));

		it("answers batches of any size with the probabilities of each frame", async () => {
			const batches = [batch.slice(0, 40), batch.slice(0, 8), batch.slice(0, 1)];
			const answers = await answersOf(method, model, batches);
			for (const [i, { probabilities, passes }] of answers.entries()) {
				assert.equal(probabilities.length, batches[i].length);
				assert.ok(passes >= batches[i].length && passes % batches[i].length === 0);
				for (const row of probabilities) {
					assert.equal(row.length, model.bundle.manifest.labels.length);
					assert.ok(row.every((p) => p >= 0 && p <= 1));
					assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-5);
				}
			}
		});

		it("gives the same answers to the same frames and seed, and begins anew each time", async () => {
			const batches = [batch.slice(0, 36), batch.slice(4, 40)];
			assert.deepEqual(await answersOf(method, model, batches), await answersOf(method, model, batches));
		});
	});
}

const memory = async () => memoryModel();
for (const method of [neo, neoContinual, t3a, lame, pace]) methodContract(method, memory, () => sourceFrames(48));
methodContract(
	bn,
	() => openBundled("cnn"),
	(model) => patterns(model, 40),
);
methodContract(
	foa(2),
	() => openBundled("vit"),
	(model) => patterns(model, 40),
);
