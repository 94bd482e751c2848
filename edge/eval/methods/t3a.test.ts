import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryModel } from "../../../adapters/model.memory.js";
import { argmax, norm } from "../../../operators/zoa/vector.js";
import { agreement, answersOf, invented, labelsOf, numbered, sourceFrames } from "./fixtures.js";
import { forward } from "./forward.js";
import { extended, firstSupports, MOST_SUPPORTS, t3a } from "./t3a.js";

describe("t3a's support sets", () => {
	it("begin with the head's rows and never keep more than the surest of a class, at length 1", async () => {
		const model = memoryModel();
		const activations = await forward(model, sourceFrames(48));
		let supports = firstSupports(model, activations);
		assert.deepEqual(
			supports.map(({ length }) => length),
			[1, 1, 1],
		);
		for (let batch = 1; batch <= 5; batch++) {
			const seen = await forward(model, sourceFrames(48, batch));
			const before = supports;
			supports = extended(supports, model, seen);
			for (const [c, set] of supports.entries()) {
				assert.ok(set.length <= MOST_SUPPORTS);
				assert.ok(set.every(({ direction }) => Math.abs(norm(direction) - 1) < 1e-5));
				assert.ok(set.every(({ entropy }, i) => i === 0 || entropy >= set[i - 1].entropy));
				const worst = before[c].at(-1);
				if (before[c].length === MOST_SUPPORTS) assert.ok((set.at(-1)?.entropy ?? 9) <= (worst?.entropy ?? 0));
			}
		}
	});
});

it("t3a leaves frames of the source mostly where the model puts them", async () => {
	const model = memoryModel();
	const frames = sourceFrames(48);
	const { logits } = await forward(model, frames);
	const plain = frames.map((_, i) => argmax(logits.subarray(3 * i, 3 * i + 3)));
	assert.ok(agreement(labelsOf(await answersOf(t3a, model, [frames])), plain) > 0.8);
});

it("t3a turns its classes to where the features have turned", async () => {
	// Two classes 100° apart that have turned by 45°: frames of the second lie nearer to the first one's row.
	const at = (degrees: number): [number, number] => [
		3 * Math.cos((degrees * Math.PI) / 180),
		3 * Math.sin((degrees * Math.PI) / 180),
	];
	const head = Float32Array.of(...at(0), ...at(100), ...at(230));
	const model = invented(head, (frame) => at((frame % 2 === 0 ? 45 : 130) + 9 * Math.sin(7 * frame)));
	const truth = numbered(60).map(({ index }) => index % 2);
	const plain = (await forward(model, numbered(60))).logits;
	const before = agreement(
		truth.map((_, i) => argmax(plain.subarray(3 * i, 3 * i + 3))),
		truth,
	);
	const answers = await answersOf(t3a, model, [numbered(60), numbered(60)]);
	const after = agreement(labelsOf(answers.slice(1)), truth);
	assert.ok(before < 0.9 && after > before, `${before} before, ${after} after`);
});
