import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Mistake } from "../../mistake.js";
import { frame, frames, run } from "./fixtures.js";
import { openJournal, parseRuns } from "./journal.js";
import type { Run } from "./run.js";

const settings = { model: "abc", data: "vehicles.zip", frames: 100 };

const inFolder = async (body: (path: string) => Promise<void>) => {
	const folder = await mkdtemp(join(tmpdir(), "acclimate-journal-"));
	try {
		await body(join(folder, "runs.jsonl"));
	} finally {
		await rm(folder, { recursive: true });
	}
};

const written = async (path: string, ...runs: Run[]) => {
	const journal = await openJournal(path, settings);
	for (const one of runs) await journal.add(one);
	await journal.close();
};

const reopened = async (path: string) => {
	const journal = await openJournal(path, settings);
	await journal.close();
	return journal;
};

const everything = run({
	method: "zoa",
	frames: [
		...frames(3, 2, { confidence: 0.1 + 0.2, passes: 2.125, milliseconds: 1 / 3, believed: "clean", round: 0 }),
		frame({ domain: "fog 5", visit: 1, confidence: Number.NaN, changed: true, bankBytes: 512 }),
		frame({ domain: "fog 5", visit: 1, changed: false }),
	],
});

test("runs come back from the file as they were", () =>
	inFolder(async (path) => {
		await written(path, run(), everything);
		const { runs, has } = await reopened(path);
		assert.deepEqual(runs, [run(), everything]);
		assert.ok(has({ model: "vit W8A8", stream: "continual", method: "zoa", seed: 1 }));
		assert.ok(!has({ model: "vit W8A8", stream: "continual", method: "zoa", seed: 2 }));
	}));

test("cut off at any byte, it keeps the runs that were whole and takes new ones", () =>
	inFolder(async (path) => {
		await written(path, run(), everything);
		const whole = await readFile(path);
		const head = whole.indexOf("\n") + 1;
		const first = whole.indexOf("\n", whole.indexOf('"end"')) + 1;
		for (let size = 0; size < whole.length; size += 7) {
			await writeFile(path, whole);
			await truncate(path, size);
			// A run is whole once its last line is; only the line's own end may be missing.
			const kept = size >= first - 1 ? [run()] : [];
			assert.deepEqual((await reopened(path)).runs, kept, `cut at ${size} of ${head}`);
			await written(path, run({ seed: 5 }));
			assert.deepEqual((await reopened(path)).runs, [...kept, run({ seed: 5 })], `cut at ${size}, gone on`);
		}
	}));

test("a run whose lines were changed or mixed with another's does not count", () =>
	inFolder(async (path) => {
		await written(path, run());
		const text = await readFile(path, "utf8");
		assert.equal(parseRuns(text).length, 1);
		assert.equal(parseRuns(text.replace('"correct":[1', '"correct":[0')).length, 0);
		const [head, begin, ...rest] = text.trimEnd().split("\n");
		assert.equal(parseRuns([head, begin, begin, ...rest].join("\n")).length, 1);
		assert.equal(parseRuns([head, begin, rest[0], ...rest].join("\n")).length, 0);
	}));

test("a run that is added again replaces the one before", () =>
	inFolder(async (path) => {
		await written(path, run(), run({ seconds: 9 }));
		assert.deepEqual((await reopened(path)).runs, [run({ seconds: 9 })]);
	}));

test("a journal of other settings is refused with what differs", () =>
	inFolder(async (path) => {
		await written(path, run());
		await assert.rejects(openJournal(path, { ...settings, frames: 200, video: true }), (error) => {
			assert.ok(error instanceof Mistake);
			assert.match(
				error.message,
				/runs\.jsonl: holds runs of other settings \(frames 100 there, 200 here; video not set there, true here\)/,
			);
			return true;
		});
		// The order of the keys is no difference, nor is what JSON leaves out.
		await (await openJournal(path, { frames: 100, data: "vehicles.zip", model: "abc", more: undefined })).close();
	}));

test("a file that is no journal is refused and left alone", () =>
	inFolder(async (path) => {
		for (const text of ["a,b\n1,2\n", "no line", "{}\n"]) {
			await writeFile(path, text);
			await assert.rejects(openJournal(path, settings), /expected a journal/);
			assert.equal(await readFile(path, "utf8"), text);
		}
		await assert.rejects(openJournal(join(path, "below"), settings), Mistake);
	}));

test("a journal of another version is refused", () =>
	inFolder(async (path) => {
		await writeFile(path, "");
		await appendFile(path, `${JSON.stringify({ kind: "journal", format: 1, settings })}\n`);
		await assert.rejects(openJournal(path, settings), /another version/);
	}));
