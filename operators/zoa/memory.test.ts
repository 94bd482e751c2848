import assert from "node:assert/strict";
import { test } from "node:test";
import { classMix, emptyMemory, MEMORY_FRAMES, type Memory, offered } from "./memory.js";
import { uniforms } from "./random.js";

const frameOf = (label: number, mark: number) => ({
	probabilities: Float32Array.from({ length: 4 }, (_, c) => (c === label ? 0.97 : 0.01)),
	sites: Float32Array.of(mark),
});

const fed = (labels: readonly number[]) => {
	let memory: Memory<ReturnType<typeof frameOf>> = emptyMemory(4);
	let random = 1;
	labels.forEach((label, i) => {
		[memory, random] = offered(memory, frameOf(label, i), random);
	});
	return memory;
};

test("a stream sorted by class leaves an even memory", () => {
	const memory = fed([0, 1, 2, 3].flatMap((label) => new Array(300).fill(label)));
	assert.equal(memory.kept.length, MEMORY_FRAMES);
	for (const share of classMix(memory)) assert.ok(Math.abs(share - 0.25) < 0.02, String(share));
});

test("a rare class is kept among a frequent one", () => {
	const labels = Array.from(uniforms(3, 600)[0], (u) => (u < 0.05 ? 1 : 0));
	const rare = labels.filter((label) => label === 1).length;
	const share = classMix(fed(labels))[1];
	assert.ok(share > 0.9 * Math.min(0.5, rare / MEMORY_FRAMES), `${share} of ${rare} seen`);
});

test("within a class the memory goes on being renewed", () => {
	const memory = fed(new Array(2000).fill(2));
	const recent = memory.kept.filter((frame) => frame.sites[0] >= 1500).length;
	assert.ok(recent > 16, `${recent} of the last 500 frames`);
});

test("the same frames and seed leave the same memory", () => {
	const labels = Array.from(uniforms(8, 400)[0], (u) => Math.floor(4 * u));
	assert.deepEqual(fed(labels), fed(labels));
});
