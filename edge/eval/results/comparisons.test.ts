import assert from "node:assert/strict";
import { test } from "node:test";
import { ablationGrid, comparisons, windowGrid } from "./comparisons.js";
import { frames, run } from "./fixtures.js";
import { terminalTables } from "./layout.js";
import { studies } from "./study.js";

const fog = { domain: "fog 5", visit: 1 };
const of = (right: number) => [...frames(80, 20), ...frames(right, 100 - right, fog)];
const none = run({ frames: of(40) });
const whole = run({ method: "zoa", frames: of(80) });
const part = run({ method: "zoa without shift", ablates: "zoa", frames: of(50) });

test("what lacks a part stands below the whole, with the difference to it", () => {
	const all = studies([none, part, whole]);
	assert.deepEqual(ablationGrid(all), {
		head: ["method", "continual", "to the whole"],
		rows: [
			["zoa", "80.0", ""],
			["zoa without shift", "65.0 ▼", "−15.0"],
		],
		together: 1,
	});
});

test("what lacks a part is in no other table", () => {
	const text = terminalTables(studies([none, whole, part]));
	assert.equal(text.split("zoa without shift").length, 2);
	assert.match(text, /without a part, compared with the whole method/);
	assert.doesNotMatch(terminalTables(studies([none, whole])), /without a part/);
});

test("an evaluation that was stopped when there was but a part has no table yet", () => {
	assert.deepEqual(studies([part]), []);
});

test("a small window is compared with the usual one on the same frames", () => {
	const small = { stream: "window-16", window: 16 };
	const all = studies([none, whole, { ...none, ...small }, run({ method: "zoa", ...small, frames: of(20) })]);
	const grid = windowGrid(all);
	assert.deepEqual(grid?.head, ["method", "window of 16", "window of 64", "difference", "95 % interval"]);
	assert.deepEqual(grid?.rows[0].slice(0, 4), ["none", "60.0", "60.0", "0.0"]);
	assert.deepEqual(grid?.rows[1].slice(0, 4), ["zoa", "50.0", "80.0", "−30.0 ▼"]);
});

test("without a second window and without parts nothing else is compared", () => {
	assert.deepEqual(comparisons(studies([none, whole])), []);
});
