import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import type { Bundle } from "../../operators/types.js";
import type { Truth } from "../demo/truth.js";
import { Mistake } from "../mistake.js";
import { bundled } from "../paths.js";
import { type Clip, isClip, openClip } from "./clip.js";
import type { Shot } from "./showing.js";

const shotsOf = async (clip: Clip): Promise<Shot[]> => {
	const shots: Shot[] = [];
	for await (const shot of clip.shots()) shots.push(shot);
	return shots;
};

describe("a labelled clip", () => {
	let bundle: Bundle;
	let truth: Truth;
	let folder: string;
	before(async () => {
		bundle = await openBundle(bundled.models.vit);
		truth = JSON.parse(await readFile(bundled.labels, "utf8"));
		folder = await mkdtemp(join(tmpdir(), "acclimate-clip-"));
		await symlink(bundled.clip, join(folder, "road.mp4"));
	});
	after(() => rm(folder, { recursive: true }));

	const labelled = async (labels: unknown): Promise<string> => {
		await writeFile(join(folder, "road.labels.json"), typeof labels === "string" ? labels : JSON.stringify(labels));
		return join(folder, "road.mp4");
	};
	const isMistake = (message: RegExp) => (error: unknown) => {
		assert.ok(error instanceof Mistake, String(error));
		assert.match(error.message, message);
		return true;
	};

	it("is a video with its labels beside it", async () => {
		assert.equal(await isClip(bundled.clip), true);
		assert.equal(await isClip(join(folder, "road.mp4")), false);
		assert.equal(await isClip(folder), false);
	});

	it("is shown as a camera films it, each frame with its label and its weather", async () => {
		const clip = await openClip(bundled.clip, bundle);
		assert.equal(clip.name, "road");
		const shots = await shotsOf(clip);
		assert.equal(shots.length, truth.frames.length);
		assert.equal(shots.filter(({ label }) => label !== undefined).length, clip.frames);
		for (const [visit, { weather, from, to }] of truth.stretches.entries()) {
			for (const i of [from, to - 1]) {
				const { domain, visit: own, label, pixels } = shots[i];
				assert.deepEqual([domain, own], [weather, visit]);
				assert.equal(label === undefined ? null : bundle.manifest.labels[label], truth.frames[i]);
				assert.equal(pixels.length, 3 * 64 * 64);
			}
		}
		// Fog comes twice, clear weather three times.
		assert.deepEqual(
			truth.stretches.map(({ from }) => shots[from].round),
			[0, 0, 1, 0, 1, 0, 1, 2],
		);
	});

	it("is refused with labels of another video", async () => {
		for (const frames of [truth.frames.slice(0, 100), [...truth.frames, null]]) {
			const clip = await openClip(await labelled({ ...truth, frames }), bundle);
			await assert.rejects(shotsOf(clip), isMistake(/describes \d+ frames, and .*road\.mp4 has (more|2662)/));
		}
	});

	it("is refused with a class that the model does not know", async () => {
		const path = await labelled({ ...truth, frames: ["tram"] });
		await assert.rejects(openClip(path, bundle), isMistake(/label tram, .* does not know; expected bike, car/));
	});

	it("is refused with labels that are none", async () => {
		await assert.rejects(
			openClip(await labelled("{"), bundle),
			isMistake(/labels\.json: does not say what a clip shows/),
		);
		await assert.rejects(openClip(await labelled({ ...truth, stretches: 3 }), bundle), isMistake(/stretches/));
	});
});
