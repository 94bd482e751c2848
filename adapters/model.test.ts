import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { EdgeError } from "../operators/types.js";
import { connect, openModel } from "./model.js";
import { memoryBundle, memoryFrames } from "./model.memory.js";

// The contract is run on real bundles where they are made, in edge/prepare/prepare.test.ts.

/** A thread that speaks to `connect` as `answer` says, once it has told that it is ready. */
const thread = (answer: string) =>
	new Worker(
		`const { parentPort } = require("node:worker_threads");
		parentPort.on("message", (request) => { ${answer} });
		parentPort.postMessage({ ready: true });`,
		{ eval: true },
	);

const isModelError = (message: RegExp) => (error: unknown) => {
	assert.ok(error instanceof EdgeError);
	assert.equal(error.code, "model");
	assert.match(error.message, message);
	return true;
};

describe("a model in a thread", () => {
	const bundle = memoryBundle();
	const { affine } = bundle.source;

	it("rejects what is pending and what comes later when its thread dies", async () => {
		const model = await connect(thread(`throw new Error("out of memory")`), bundle);
		const pending = [model.forward(memoryFrames(1), affine), model.forward(memoryFrames(2), affine)];
		for (const call of pending) await assert.rejects(call, isModelError(/the model's thread died: out of memory/));
		await assert.rejects(model.forward(memoryFrames(1), affine), isModelError(/thread died/));
		await model.close();
	});

	it("rejects what is pending when its thread ends without a word", async () => {
		const model = await connect(thread("process.exit(3)"), bundle);
		await assert.rejects(model.forward(memoryFrames(1), affine), isModelError(/ended with code 3/));
		await model.close();
	});

	it("rejects what is pending when it is closed, and gives up on a thread that does not end", {
		timeout: 8000,
	}, async () => {
		const model = await connect(thread(""), bundle);
		const pending = assert.rejects(model.forward(memoryFrames(1), affine), isModelError(/closed/));
		await Promise.all([model.close(), model.close()]);
		await pending;
	});

	it("rejects one call that fails and answers the next", async () => {
		const reply = `{ id: request.id, arrays: { logits: new Float32Array(6) } }`;
		const model = await connect(
			thread(
				`if (request === "close") return parentPort.close();
				parentPort.postMessage(request.id === 0 ? { id: 0, error: "no memory" } : ${reply})`,
			),
			bundle,
		);
		await assert.rejects(model.forward(memoryFrames(1), affine), isModelError(/^no memory$/));
		assert.equal((await model.forward(memoryFrames(2), affine)).frames, 2);
		await model.close();
	});

	it("is not opened where the model cannot be loaded", async () => {
		const directory = await mkdtemp(join(tmpdir(), "acclimate-model-"));
		await assert.rejects(openModel({ ...bundle, directory }), isModelError(/model\.onnx/));
		await writeFile(join(directory, "model.onnx"), "no model");
		await assert.rejects(openModel({ ...bundle, directory }, { threads: 1 }), isModelError(/acclimate-model-/));
		await rm(directory, { recursive: true });
	});
});
