import assert from "node:assert/strict";
import { test } from "node:test";
import { frames, run } from "./fixtures.js";
import { domainRows, jsonLines, runRow } from "./rows.js";

const fog = { domain: "fog 5", visit: 1 };
const none = run({ frames: [...frames(8, 2), ...frames(4, 6, fog)] });
const zoa = run({
	method: "zoa",
	frames: [...frames(7, 3, { passes: 2 }), ...frames(9, 1, { ...fog, passes: 2, changed: true, bankBytes: 2048 })],
});

test("a row each domain says what became of it", () => {
	const [clean, foggy] = domainRows(zoa, none);
	assert.equal(clean.domain, "clean");
	assert.equal(clean.changes, undefined);
	const { afterChange, calibrationError, againstNone, ...rest } = foggy;
	assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
		kind: "domain",
		model: "vit W8A8",
		stream: "continual",
		method: "zoa",
		seed: 1,
		domain: "fog 5",
		frames: 10,
		accuracy: 0.9,
		passesPerFrame: 2,
		changes: { count: 1, missed: 0, delay: 0 },
	});
	assert.equal(againstNone, 0.5);
	assert.equal(afterChange, 0);
	assert.ok(Math.abs(calibrationError - 0.4) < 1e-12);
});

test("the run's own row holds the means over domains and the worst of them", () => {
	const row = runRow(zoa, none);
	assert.equal(row.accuracy, (0.7 + 0.9) / 2);
	assert.deepEqual(row.worst, { domain: "clean", difference: 0.7 - 0.8 });
	assert.equal(row.falseAlarmsPerThousand, 0);
	assert.equal(row.bankBytes, 2048);
	assert.equal(runRow(none).againstNone, undefined);
});

test("where it saw changes and was given time, rows say how far from its steady state it was a window later", () => {
	const seen = (right: number) => [
		...frames(8, 2),
		...frames(8, 0, { ...fog, changed: true }),
		...frames(64 + right, 16 - right, { ...fog, changed: false }),
	];
	const [settling, nothing] = [run({ method: "zoa", frames: seen(8) }), run({ frames: seen(16) })];
	const [clean, foggy] = domainRows(settling, nothing);
	assert.equal(clean.windowLater, undefined);
	assert.deepEqual(foggy.windowLater, { count: 1, difference: 1 });
	assert.deepEqual(runRow(settling, nothing).windowLater, foggy.windowLater);
	assert.equal(runRow(zoa, none).windowLater, undefined);
});

test("every line is JSON, and only the line of costs changes with the machine", () => {
	const slower = run({
		...zoa,
		seconds: 99,
		heldBytes: 1,
		frames: zoa.frames.map((seen) => ({ ...seen, milliseconds: 77 })),
	});
	const lines = (one: typeof zoa) => jsonLines(one, none).trimEnd().split("\n");
	const kinds = lines(zoa).map((line) => JSON.parse(line).kind);
	assert.deepEqual(kinds, ["domain", "domain", "run", "cost"]);
	const same = lines(zoa).filter((line, i) => line === lines(slower)[i]);
	assert.equal(same.length, 3);
	assert.deepEqual(JSON.parse(lines(slower)[3]).milliseconds, { p50: 77, p95: 77 });
});
