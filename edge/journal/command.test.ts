import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import { starter } from "../fixtures.js";
import { bundled } from "../paths.js";

const folder = temporaryDirectory();
const start = starter(folder);
const acclimate = (...args: string[]) => start(...args).ended;

before(async () => {
	// From the clip's clear weather into its fog, so that something is learned.
	const part = ["-ss", "20", "-t", "16", "-i", bundled.clip, "-c:v", "libx264", "-preset", "ultrafast"];
	await makeClip(join(folder, "clip.mp4"), ...part);
	const camera = "source: clip.mp4, region: [80, 40, 160, 160], journal: 100MB";
	writeFileSync(join(folder, "cam.yaml"), `cameras:\n  road: { ${camera} }\n`);
	const { code, err } = await acclimate("run", "cam.yaml", "--json");
	assert.equal(code, 0, err);
});

test("a run is replayed to the last bit, with its steps and changes of domain", async () => {
	const { code, out, err } = await acclimate("replay", "road");
	assert.equal(code, 0, err);
	assert.match(out, /^chapter 1, d1, 0 steps of learning so far\n/);
	assert.match(out, /Z {2}frame \d+ {2}step 1, gain 0\.00\n/);
	assert.match(out, /Z {2}frame \d+ {2}domain: d2\n/);
	assert.match(out, /\n\d+ rounds, 200 frames, \d+ steps of learning: all as they were, to the last bit\n$/);
	const told = JSON.parse((await acclimate("replay", "road", "--json")).out);
	assert.deepEqual([told.chapters, told.frames], [1, 200]);
	assert.ok(told.steps > 1);
});

test("a camera without a journal, a store without any, and another model are mistakes", async () => {
	const camera = await acclimate("replay", "gate");
	assert.equal(camera.code, 2);
	assert.match(camera.err, /^no journal of a camera called gate in acclimate-data; there is road\n$/);
	mkdirSync(join(folder, "empty"));
	const store = await acclimate("replay", "road", "--store", "empty");
	assert.equal(store.code, 2);
	assert.match(store.err, /^no journal of a camera called road in empty; there is none\n$/);
	const model = await acclimate("replay", "road", "--model", bundled.models.cnn);
	assert.equal(model.code, 2);
	assert.match(
		model.err,
		/^the journal needs the model [0-9a-f-]{26}, and the one in .* is [0-9a-f-]{26}: say with --model where it is\n$/,
	);
});
