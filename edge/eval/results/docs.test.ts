import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resultsPage, thisMachine, writeResults } from "./docs.js";
import { frames, run } from "./fixtures.js";
import { studies } from "./study.js";

const circumstances = {
	date: "2026-11-03",
	commit: "abc1234",
	machine: "Some CPU, 2 cores, Node v20.0.0",
	commands: ["acclimate eval --model vit --data vehicles.zip"],
	credits: ["Vehicles, CC BY 4.0"],
};

const fog = { domain: "fog 5", visit: 1 };
const none = run({ frames: [...frames(80, 20), ...frames(40, 60, fog)] });
const better = run({ method: "better", frames: [...frames(80, 20), ...frames(90, 10, fog)] });
const worse = run({ method: "worse", frames: [...frames(80, 20), ...frames(5, 95, fog)] });
const same = run({ ...none, method: "same" });

const filesOf = (...runs: (typeof none)[]) => resultsPage(studies(runs), circumstances);
const pageOf = (...runs: (typeof none)[]) => filesOf(...runs).get("results.md") as string;

test("the page says when, where and how, and whose data it was", () => {
	const page = pageOf(none, better);
	for (const words of ["2026-11-03", "abc1234", "Some CPU, 2 cores", circumstances.commands[0], "Vehicles, CC BY 4.0"])
		assert.ok(page.includes(words), words);
});

test("it says which methods are above and below doing nothing, and which cannot be told apart", () => {
	const page = pageOf(none, same, worse, better);
	assert.match(
		page,
		/Above doing nothing beyond the interval: better \(\+25\.0\)\. Not to be told apart from it: same \(0\.0\)\. Below it beyond the interval: worse \(−17\.5\)\./,
	);
	assert.match(page, /Of 6 comparisons .*, 1 is above and 1 below/);
});

test("it lists where adapting hurts, the largest loss first", () => {
	const slightly = run({ method: "slightly", frames: [...frames(60, 40), ...frames(40, 60, fog)] });
	const [, section] = pageOf(none, slightly, worse).split("## Where adapting hurts");
	assert.match(section, /2 cases/);
	assert.ok(section.indexOf("| vit W8A8 | continual | worse | fog 5 −35.0 (") > 0);
	assert.ok(section.indexOf("fog 5 −35.0") < section.indexOf("| slightly | clean −20.0"));
	assert.match(pageOf(none, better), /No method is below doing nothing in any domain/);
});

test("it lists the 40 largest losses, counts the rest by method, and has the overview before them", () => {
	const names = Array.from({ length: 45 }, (_, visit) => ({ domain: `corruption ${visit}`, visit }));
	const nothing = run({ frames: names.flatMap((name) => frames(40, 0, name)) });
	const lost = (method: string, right: number) =>
		run({ method, frames: names.flatMap((name) => frames(right, 40 - right, name)) });
	const page = pageOf(nothing, lost("dreadful", 0), lost("bad", 10));
	const [before, section] = page.split("## Where adapting hurts");
	assert.match(section, /90 cases/);
	assert.match(section, /Besides these 50 smaller losses, by method: bad 45, dreadful 5\./);
	assert.equal(section.split("###")[0].match(/corruption \d+ −/g)?.length, 40);
	assert.match(before, /## In short[\s\S]*### vit W8A8, all streams[\s\S]*worst to none/);
});

test("many losses of one method stay in one row", () => {
	const names = Array.from({ length: 12 }, (_, visit) => ({ domain: `corruption ${visit}`, visit }));
	const nothing = run({ frames: names.flatMap((name) => frames(40, 0, name)) });
	const lost = run({ method: "lost", frames: names.flatMap((name) => frames(0, 40, name)) });
	const row = pageOf(nothing, lost)
		.split("\n")
		.find((line) => line.startsWith("| vit W8A8 | continual | lost |"));
	assert.equal(row?.match(/corruption \d+ −100\.0 \(−100\.0 to −100\.0\)/g)?.length, 12);
});

test("each model and stream has its tables and its drawings, which are there", () => {
	const cnn = { model: "cnn W8A8" };
	const files = filesOf(none, better, run({ ...none, ...cnn }), run({ ...none, stream: "rounds" }));
	const page = files.get("results.md") as string;
	const linked = [...page.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path);
	assert.deepEqual(linked, [
		"results/vit-w8a8-continual-time.svg",
		"results/vit-w8a8-continual-domains.svg",
		"results/vit-w8a8-rounds-time.svg",
		"results/vit-w8a8-rounds-domains.svg",
		"results/cnn-w8a8-continual-time.svg",
		"results/cnn-w8a8-continual-domains.svg",
	]);
	assert.deepEqual([...files.keys()].slice(1).sort(), [...linked].sort());
	assert.equal(page.match(/^## (vit|cnn) W8A8$/gm)?.length, 2);
});

test("how methods behave over time is one table, where it is not wider than the page", () => {
	assert.match(pageOf(none, better), /^\| method \| after a change \| calibration error \|$/m);
});

test("what a window after a change is compared with is said only where there is a table of it", () => {
	const foggy = [...frames(8, 0, { ...fog, changed: true }), ...frames(64, 16, { ...fog, changed: false })];
	const saw = run({ method: "better", frames: [...frames(80, 20), ...foggy] });
	const page = pageOf(run({ frames: saw.frames }), saw);
	assert.match(page, /“A window later” says/);
	assert.match(page, /^\| method \| a window later \| 95 % interval \| changes \|$/m);
	assert.doesNotMatch(pageOf(none, better), /a window later/i);
});

test("models whose names are written with the same letters keep their own drawings", () => {
	const files = filesOf(none, run({ ...none, model: "vit-W8A8" }));
	assert.equal(files.size, 5);
});

test("the same runs give the same page, and the writer writes it", async () => {
	const files = filesOf(none, better);
	assert.deepEqual(files, filesOf(...structuredClone([none, better])));
	const folder = await mkdtemp(join(tmpdir(), "acclimate-results-"));
	try {
		await writeResults(join(folder, "docs"), files);
		for (const [path, text] of files) assert.equal(await readFile(join(folder, "docs", path), "utf8"), text);
	} finally {
		await rm(folder, { recursive: true });
	}
});

test("the machine is named", () => {
	assert.match(thisMachine(), /, \d+ cores, Node v\d+/);
});
