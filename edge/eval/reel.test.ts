import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { Mistake } from "../mistake.js";
import { openReel } from "./reel.js";

const picture = (value: number) => new Uint8Array(12).fill(value);

describe("a reel", () => {
	it("gives back what was pushed, from any place, and nothing beyond the end", async () => {
		const reel = await openReel(12);
		for (let i = 0; i < 5; i++) await reel.push(picture(i));
		assert.equal(reel.length, 5);
		assert.deepEqual(await reel.read(1, 2), [picture(1), picture(2)]);
		assert.deepEqual(await reel.read(3, 64), [picture(3), picture(4)]);
		assert.deepEqual(await reel.read(5, 2), []);
		await reel.close();
	});

	it("has no name on the disk while it is in use, so that a killed process leaves nothing", async () => {
		const own = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("acclimate-reel-"));
		const before = await own();
		const reel = await openReel(12);
		await reel.push(picture(1));
		assert.deepEqual(
			(await own()).filter((name) => !before.includes(name)),
			[],
		);
		await reel.close();
	});

	it("says which folder refuses it", async () => {
		const { TMPDIR } = process.env;
		process.env.TMPDIR = "/nowhere";
		try {
			await assert.rejects(openReel(12), (error) => {
				assert.ok(error instanceof Mistake);
				assert.match(error.message, /^\/nowhere: frames cannot be kept there \(ENOENT\); TMPDIR names another/);
				return true;
			});
		} finally {
			if (TMPDIR === undefined) delete process.env.TMPDIR;
			else process.env.TMPDIR = TMPDIR;
		}
	});
});
