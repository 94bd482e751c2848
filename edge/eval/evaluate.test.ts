import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import type { Bundle } from "../../operators/types.js";
import { type Workshop, workshop } from "../prepare/fixtures.js";
import { prepare } from "../prepare/prepare.js";
import { type Data, readData } from "./data.js";
import { evaluate, type Plan, planned } from "./evaluate.js";
import { methods } from "./methods/methods.js";
import { type Journal, openJournal } from "./results/journal.js";
import { openProgress } from "./results/progress.js";
import { studies } from "./results/study.js";
import { terminalTables } from "./results/tables.js";
import { streams } from "./streams.js";

const quiet = openProgress(process.stderr, [], { json: true });
const never = new AbortController().signal;

describe("an evaluation", () => {
	let shop: Workshop;
	let bundle: Bundle;
	let data: Data;
	before(async () => {
		shop = await workshop();
		await prepare(shop);
		bundle = await openBundle(shop.out);
		data = await readData(shop.calibration, bundle);
	});
	after(() => shop.remove());

	const plan = (names: readonly string[], streamNames: readonly string[], seed = 1): Plan => ({
		bundle,
		model: "tiny W8A8",
		data,
		methods: methods.filter(({ name }) => names.includes(name)),
		showings: streams
			.filter(({ name }) => streamNames.includes(name))
			.map((stream) => ({
				stream,
				seed,
				segments: stream.segments({ labels: data.labels, corruptions: ["fog", "h264"], frames: 70, seed }),
			})),
	});
	const journal = (name: string): Promise<Journal> => openJournal(join(shop.directory, name), { test: "evaluate" });
	const tables = async (name: string, own: Plan, signal = never): Promise<string> => {
		const open = await journal(name);
		await evaluate(own, open, quiet, signal);
		await open.close();
		return terminalTables(studies(open.runs));
	};

	it("gives the same table to the last digit for the same seed", async () => {
		const own = plan(["none", "align", "zoa", "zoa-reference"], ["continual", "mixed"]);
		assert.equal(await tables("first.jsonl", own), await tables("second.jsonl", own));
	});

	it("shows every method the same frames, each once", async () => {
		const open = await journal("frames.jsonl");
		const own = plan(["none", "shift", "zoa", "zoa-reference"], ["recurring", "video"]);
		await evaluate(own, open, quiet, never);
		const labels = (method: string, stream: string) =>
			open.runs.find((run) => run.method === method && run.stream === stream)?.frames.map(({ label }) => label);
		for (const { stream, frames } of planned(own)) {
			const expected = labels("none", stream);
			assert.equal(expected?.length, frames);
			for (const { name } of own.methods) assert.deepEqual(labels(name, stream), expected);
		}
		await open.close();
	});

	it("counts the forward passes: one for doing nothing, about two for zeroth-order steps", async () => {
		const open = await journal("passes.jsonl");
		await evaluate(plan(["none", "zoa-reference"], ["clean"]), open, quiet, never);
		const passes = open.runs.map(({ method, frames }) => [
			method,
			frames.reduce((sum, frame) => sum + frame.passes, 0) / frames.length,
		]);
		assert.deepEqual(passes[0], ["none", 1]);
		assert.ok(Number(passes[1][1]) > 1.7 && Number(passes[1][1]) <= 2);
		await open.close();
	});

	it("goes on where it was stopped, to the same table", async () => {
		const own = plan(["none", "align"], ["continual", "sorted"]);
		const whole = await tables("whole.jsonl", own);
		const stop = new AbortController();
		const stopping = { ...quiet, done: () => stop.abort() };
		const open = await journal("parts.jsonl");
		await evaluate(own, open, stopping, stop.signal);
		assert.equal(open.runs.length, 1);
		await open.close();
		const before = await readFile(join(shop.directory, "parts.jsonl"), "utf8");
		assert.equal(await tables("parts.jsonl", own), whole);
		assert.ok((await readFile(join(shop.directory, "parts.jsonl"), "utf8")).startsWith(before), "a run was made again");
	});
});
