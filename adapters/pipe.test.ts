import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cutter, lastLines, unstacked } from "./pipe.js";

describe("frames cut from a pipe", () => {
	it("are whole, whatever the chunks", () => {
		const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
		for (const chunk of [1, 3, 7, 10, 33, 100]) {
			const frames: Uint8Array[] = [];
			const cut = cutter(10, (frame) => frames.push(frame));
			for (let i = 0; i < 95; i += chunk) cut.push(bytes.subarray(i, Math.min(i + chunk, 95)));
			assert.deepEqual(Buffer.concat(frames), Buffer.from(bytes.subarray(0, 90)), `chunks of ${chunk}`);
			assert.equal(cut.rest(), 5);
		}
	});
});

describe("the last lines a program said", () => {
	it("are kept to the limit, each of bounded length", () => {
		const said = lastLines(3);
		said.push("one\ntwo\nth");
		said.push("ree\nfour\n");
		said.push("x".repeat(10_000));
		assert.deepEqual(said.lines(), ["two", "three", "four", "x".repeat(500)]);
		said.push("\nend\n");
		assert.deepEqual(said.lines(), ["four", "x".repeat(500), "end"]);
	});
});

describe("pictures that stand one below the other", () => {
	it("are taken apart, each with its three planes", () => {
		// Two pictures of two pixels: the planes G, B, R of the stack hold first one's pixels, then the other's.
		const stack = Uint8Array.of(1, 2, 11, 12, 3, 4, 13, 14, 5, 6, 15, 16);
		assert.deepEqual(unstacked(stack, 2), [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(11, 12, 13, 14, 15, 16)]);
		assert.equal(unstacked(stack, 1)[0], stack);
	});
});
