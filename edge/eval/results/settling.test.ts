import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, frames, run } from "./fixtures.js";
import type { Seen } from "./run.js";
import { settlings } from "./settling.js";

/** A visit whose first step of 8 frames saw a change, if it is one; `right` of the others in each stretch of 16 are right. */
const visit = (more: Partial<Seen>, right: readonly number[], believed: readonly string[] = []) => [
	...frames(8, 0, { ...more, changed: more.visit !== 0, believed: "looking" }),
	...right.flatMap((count, i) =>
		frames(count, 16 - count, { ...more, changed: false, believed: believed[i] ?? "new" }),
	),
];

const fog = { domain: "fog 5", visit: 1 };
const clean = visit({ visit: 0 }, []);
const adapting = (seen: readonly Seen[]) => run({ method: "zoa", window: 16, frames: seen });
const undone = (seen: readonly Seen[]) =>
	run({ frames: seen.map((one) => ({ ...one, correct: true, changed: undefined })) });
const settlingsOf = (seen: readonly Seen[]) => settlings(adapting(seen), undone(seen));

test("the window that begins a window after the change was seen is compared with the rest of the visit", () => {
	const seen = [...clean, ...visit(fog, [0, 8, 16, 12])];
	assert.deepEqual(settlingsOf(seen), [{ domain: "fog 5", frames: 16, difference: 0.5 - 0.875 }]);
});

test("what the pictures do to doing nothing as well is taken off", () => {
	const seen = [...clean, ...visit(fog, [0, 8, 16])];
	const nothing = run({ frames: [...clean, ...visit(fog, [0, 4, 8])] });
	assert.deepEqual(settlings(adapting(seen), nothing), [{ domain: "fog 5", frames: 16, difference: -0.5 + 0.25 }]);
	assert.throws(() => settlings(adapting(seen), run({ frames: clean })), /different frames/);
	assert.deepEqual(settlings(adapting(seen)), []);
});

test("where less than two windows are left, halves are compared, but not what is shorter than a batch", () => {
	const half = (count: number) => frames(count, 8 - count, { ...fog, changed: false });
	assert.deepEqual(settlingsOf([...clean, ...visit(fog, [0]), ...half(2), ...half(6)]), [
		{ domain: "fog 5", frames: 8, difference: 0.25 - 0.75 },
	]);
	assert.deepEqual(settlingsOf([...clean, ...visit(fog, [0]), ...half(2), ...half(6).slice(1)]), []);
	assert.deepEqual(settlingsOf([...clean, ...visit(fog, [])]), []);
});

test("a change that was missed is none of them, nor is an alarm at nothing", () => {
	const missed = visit(fog, [0, 8, 16]).map((seen) => ({ ...seen, changed: false }));
	assert.deepEqual(settlingsOf([...clean, ...missed]), []);
	const alarm = frame({ visit: 0, changed: true });
	assert.deepEqual(settlingsOf([...clean, alarm, ...frames(40, 0, { changed: false })]), []);
});

test("on a later visit it should have settled by the batch after the domain was recognized", () => {
	// At first it still believed to be in the domain before.
	const first = visit(fog, [16, 16], ["sunny", "misty"]);
	const between = visit({ visit: 2 }, [16], ["sunny"]);
	const later = (...believed: string[]) =>
		settlingsOf([...clean, ...first, ...between, ...visit({ ...fog, visit: 3 }, [0, 8, 16], believed)]).slice(-1);
	// From the second batch: 8 wrong and 8 right, then 8 wrong and 16 right.
	assert.deepEqual(later("misty"), [{ domain: "fog 5", frames: 16, difference: 8 / 16 - 16 / 24 }]);
	// Taken for the domain of another condition, or for a new one until later, it has a window's time.
	for (const other of [["sunny"], ["new", "misty"]])
		assert.deepEqual(later(...other), [{ domain: "fog 5", frames: 16, difference: 0.5 - 1 }]);
});

test("what it calls a domain before it has looked it up is not taken for one that it recognized, nor is no name", () => {
	const seen = [
		...clean,
		...visit(fog, [16]),
		...visit({ visit: 2 }, [16]),
		...visit({ ...fog, visit: 3 }, [0, 8, 16]),
	];
	for (const believed of ["looking", undefined])
		assert.deepEqual(settlingsOf(seen.map((one) => ({ ...one, believed }))), [
			{ domain: "fog 5", frames: 16, difference: 0.5 - 1 },
		]);
});
