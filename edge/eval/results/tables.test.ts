import assert from "node:assert/strict";
import { test } from "node:test";
import { frames, run } from "./fixtures.js";
import { markdown, terminalTables } from "./layout.js";
import { fixed, signed } from "./numbers.js";
import { studies } from "./study.js";
import { accuracyGrid, behaviourGrid, costGrid, overviewGrid, settlingGrid } from "./tables.js";

const fog = { domain: "fog 5", visit: 1 };
const none = (seed: number) => run({ seed, frames: [...frames(80, 20), ...frames(40, 60, fog)] });
const zoa = (seed: number, right: number) =>
	run({
		method: "zoa",
		seed,
		frames: [...frames(80, 20, { passes: 2 }), ...frames(right, 100 - right, { ...fog, passes: 2 })],
	});

test("methods are rows, none first, and domains columns, with what the difference to none is", () => {
	const [study] = studies([zoa(1, 80), none(1)]);
	assert.deepEqual(accuracyGrid(study), {
		head: ["method", "clean", "fog 5", "mean", "to none", "95 % interval", "worst to none", "passes/frame"],
		rows: [
			["none", "80.0", "40.0", "60.0", "", "", "", "1.00"],
			["zoa", "80.0", "80.0 ▲", "80.0", "+20.0 ▲", accuracyGrid(study).rows[1][5], "0.0 clean", "2.00"],
		],
		together: 5,
	});
	assert.match(accuracyGrid(study).rows[1][5], /^\+1\d\.\d to \+[23]\d\.\d$/);
});

test("several seeds give the mean and half the range", () => {
	const [study] = studies([none(1), none(2), zoa(1, 80), zoa(2, 70)]);
	const [, row] = accuracyGrid(study).rows;
	assert.deepEqual(row.slice(1, 5), ["80.0", "75.0 ±5.0 ▲", "77.5 ±2.5", "+17.5 ▲"]);
});

test("a loss is marked, in the domain and as the worst", () => {
	const [study] = studies([none(1), zoa(1, 10)]);
	const [, row] = accuracyGrid(study).rows;
	assert.equal(row[2], "10.0 ▼");
	assert.equal(row[6], "−30.0 ▼ fog 5");
});

test("without a run of none nothing is compared with it", () => {
	const [study] = studies([zoa(1, 80), zoa(2, 80)]);
	assert.deepEqual(accuracyGrid(study).head, ["method", "clean", "fog 5", "mean", "passes/frame"]);
});

test("seeds that none has not run are left out of the difference", () => {
	const [study] = studies([none(1), zoa(1, 50), zoa(2, 90)]);
	const [, row] = accuracyGrid(study).rows;
	assert.equal(row[3], "75.0 ±10.0");
	assert.match(row[4], /^\+5\.0/);
});

test("the order of the runs changes nothing but the order of the rows", () => {
	const runs = [none(1), zoa(1, 80), none(2), zoa(2, 70)];
	assert.equal(terminalTables(studies(runs)), terminalTables(studies([...runs].reverse())));
});

test("time and memory are in their own table only", () => {
	const runs = [none(1), zoa(1, 80)];
	const slower = runs.map((one) => ({
		...one,
		seconds: 50,
		heldBytes: 1,
		frames: one.frames.map((seen) => ({ ...seen, milliseconds: 8 })),
	}));
	assert.equal(terminalTables(studies(runs)), terminalTables(studies(slower)));
	assert.deepEqual(costGrid(studies(slower)[0]).rows[0], ["none", "8.0", "8.0", "50.0", "0.0"]);
});

test("behaviour has columns only where there is something to say", () => {
	assert.deepEqual(behaviourGrid(studies([none(1), zoa(1, 80)])[0]).head, [
		"method",
		"after a change",
		"calibration error",
	]);
	const detecting = run({
		method: "zoa",
		frames: [...frames(80, 20), ...frames(40, 60, { ...fog, changed: true, bankBytes: 1536 })],
	});
	const grid = behaviourGrid(studies([none(1), detecting])[0]);
	assert.deepEqual(grid.head.slice(3), ["changes seen", "delay, frames", "false alarms/1000", "bank, KiB"]);
	assert.deepEqual(grid.rows[0].slice(3), ["", "", "", ""]);
	assert.deepEqual(grid.rows[1].slice(3), ["1 of 1", "0.0", "0.0", "1.5"]);
});

/** Of a method that saw the change; so many of the 16 frames that begin a window later are right, and of the 16 after them. */
const settling = (first: number, rest: number) =>
	run({
		method: "zoa",
		window: 16,
		frames: [
			...frames(40, 0),
			...frames(8, 0, { ...fog, changed: true }),
			...frames(16, 0, { ...fog, changed: false }),
			...frames(first, 16 - first, { ...fog, changed: false }),
			...frames(rest, 16 - rest, { ...fog, changed: false }),
		],
	});
const settled = run({ ...settling(16, 16), method: "none" });

test("how far from settled a method is a window after changes that it saw is pooled over the streams", () => {
	const other = { stream: "rounds" };
	const all = studies([settled, settling(8, 12), { ...settled, ...other }, { ...settling(8, 16), ...other }]);
	assert.deepEqual(settlingGrid(all.slice(0, 1)), {
		head: ["method", "a window later", "95 % interval", "changes"],
		rows: [["zoa", "−25.0", "", "1"]],
		together: 3,
	});
	assert.deepEqual(settlingGrid(all).rows, [["zoa", "−37.5", "", "2"]]);
});

test("that table is there only where a method saw changes and was given time", () => {
	const other = { stream: "rounds" };
	const text = terminalTables(studies([settled, settling(8, 12)]));
	assert.match(text, /\nmethod +a window later +95 % interval +changes\n.*\nzoa +−25\.0 /);
	assert.doesNotMatch(text, /over all streams/);
	const several = terminalTables(studies([settled, settling(8, 12), { ...settled, ...other }]));
	assert.equal(several.match(/a window later/g)?.length, 2);
	assert.match(several, /over all streams/);
	assert.doesNotMatch(terminalTables(studies([none(1), zoa(1, 80)])), /a window later/);
});

test("one model's streams stand side by side", () => {
	const other = { stream: "rounds" };
	const grid = overviewGrid(
		studies([none(1), zoa(1, 80), run({ ...none(1), ...other }), run({ ...zoa(1, 20), ...other })]),
	);
	assert.deepEqual(grid.head, ["method", "continual", "rounds", "to none", "worst to none"]);
	assert.deepEqual(grid.rows[1], ["zoa", "80.0 ▲", "50.0 ▼", "+5.0", "−20.0 ▼ fog 5, rounds"]);
});

test("a wide table becomes several, none wider than the terminal, the means first", () => {
	const domains = Array.from({ length: 30 }, (_, visit) =>
		frames(9, 1, { domain: `corruption ${visit}`, visit }),
	).flat();
	const text = terminalTables(studies([run({ frames: domains })]), 80);
	const tables = text.split("\n\n").slice(1, -1);
	assert.ok(
		tables
			.slice(0, -1)
			.flatMap((one) => one.split("\n"))
			.every((line) => line.length <= 80),
	);
	assert.match(tables[0], /^method\s+mean\s+passes\/frame/);
	for (let i = 0; i < 30; i++)
		assert.equal(text.split(`corruption ${i} `).length + text.split(`corruption ${i}\n`).length, 3);
});

test("numbers stand to the right and marks beside them", () => {
	const text = terminalTables(studies([none(1), zoa(1, 100)]), 200);
	assert.match(text, /clean {2,}fog 5/);
	assert.match(text, /\nnone +80\.0 +40\.0 +60\.0/);
	assert.match(text, /\nzoa +80\.0 +100\.0 ▲ +90\.0/);
	const [, head, , first, second] = text.split("\n").slice(1);
	assert.equal(first.indexOf("40.0") + 4, second.indexOf("100.0") + 5);
	assert.ok(head.startsWith("method"));
});

test("the same in Markdown, numbers to the right, bars escaped", () => {
	assert.equal(
		markdown({
			head: ["method", "a|b", "worst"],
			rows: [
				["none", "1.0", ""],
				["zoa", "−2.0 ▼", "−2.0 ▼ fog"],
			],
			together: 1,
		}),
		["| method | a\\|b | worst |", "| --- | --: | --- |", "| none | 1.0 |  |", "| zoa | −2.0 ▼ | −2.0 ▼ fog |"].join(
			"\n",
		),
	);
});

test("what rounds to nothing has no sign", () => {
	assert.deepEqual(
		[fixed(-0.04, 1), fixed(-0.06, 1), signed(0.04, 1), signed(1, 0), signed(-12, 0)],
		["0.0", "−0.1", "0.0", "+1", "−12"],
	);
});
