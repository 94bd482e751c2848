import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryModel } from "../../../adapters/model.memory.js";
import { agreement, answersOf, displaced, labelsOf, sourceFrames } from "./fixtures.js";
import { neo, neoContinual } from "./neo.js";

const frames = sourceFrames(48);
const batches = [frames];
const far = Float32Array.of(4, -3, 5, 2);

for (const method of [neo, neoContinual]) {
	it(`${method.name} gives the same answers however far all features have moved together`, async () => {
		const here = await answersOf(method, memoryModel(), batches);
		const there = await answersOf(method, displaced(memoryModel(), far), batches);
		for (const [i, row] of here[0].probabilities.entries())
			for (const [c, p] of row.entries()) assert.ok(Math.abs(p - there[0].probabilities[i][c]) < 1e-4);
	});
}

it("neo does the model in memory, whose features have their mean elsewhere, little harm", async () => {
	const truth = frames.map((_, i) => i % 3);
	assert.ok(agreement(labelsOf(await answersOf(neo, memoryModel(), batches)), truth) > 0.6);
});

it("neo comes to one centre whatever batches a stream is cut into", async () => {
	const cut = (size: number) =>
		Array.from({ length: 48 / size }, (_, i) => frames.slice(i * size, (i + 1) * size)).concat([frames]);
	const [eight, whole] = await Promise.all([8, 24].map((size) => answersOf(neo, memoryModel(), cut(size))));
	const [last, other] = [eight, whole].map((answers) => answers[answers.length - 1].probabilities);
	for (const [i, row] of last.entries())
		for (const [c, p] of row.entries()) assert.ok(Math.abs(p - other[i][c]) < 1e-5);
});
