import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, frames } from "./fixtures.js";
import {
	accuracies,
	afterChanges,
	bankBytes,
	calibrationError,
	changes,
	detection,
	lastAgainstFirst,
	latency,
	laterVisits,
	meanAccuracy,
	passesPerFrame,
	percentiles,
	worstAgainst,
} from "./metrics.js";

const close = (actual: number | undefined, expected: number) =>
	assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

test("the mean counts each domain once, however many frames it has", () => {
	const seen = [...frames(10, 0), ...frames(50, 50, { domain: "fog 5", visit: 1 })];
	assert.deepEqual(
		[...accuracies(seen)],
		[
			["clean", 1],
			["fog 5", 0.5],
		],
	);
	assert.equal(meanAccuracy(seen), 0.75);
});

test("the worst domain is the one that loses most against doing nothing", () => {
	const rain = { domain: "rain 5", visit: 1 };
	const nothing = [...frames(5, 5), ...frames(8, 2, rain)];
	assert.deepEqual(worstAgainst([...frames(7, 3), ...frames(5, 5, rain)], nothing), {
		domain: "rain 5",
		difference: 0.5 - 0.8,
	});
	assert.ok(worstAgainst([...frames(7, 3), ...frames(10, 0, rain)], nothing).difference > 0);
});

test("runs that saw different frames are not compared", () => {
	assert.throws(() => worstAgainst(frames(4, 4), frames(4, 3)), /different frames/);
	assert.throws(() => worstAgainst(frames(4, 4), frames(4, 4, { label: 1 })), /different frames/);
});

test("what a change costs is the beginning of a visit against the whole domain", () => {
	const seen = [
		...frames(20, 0),
		...frames(0, 10, { domain: "fog 5", visit: 1 }),
		...frames(30, 0, { domain: "fog 5", visit: 1 }),
	];
	// 10 of the 20 first frames are wrong, 30 of 40 are right in all.
	assert.deepEqual([...afterChanges(seen, 20)], [["fog 5", 0.5 - 0.75]]);
	assert.deepEqual([...afterChanges(frames(9, 1))], []);
});

test("the beginning of a visit ends with the visit", () => {
	const seen = [
		...frames(10, 0),
		...frames(0, 10, { domain: "fog 5", visit: 1 }),
		...frames(10, 0, { visit: 2 }),
		...frames(10, 0, { domain: "fog 5", visit: 3 }),
	];
	close(afterChanges(seen, 40).get("fog 5"), 0);
	assert.deepEqual(
		changes(seen).map(({ from, to }) => [from, to]),
		[
			[10, 20],
			[20, 30],
			[30, 40],
		],
	);
});

test("later visits are compared with the first, the last round with the first", () => {
	const visit = (right: number, visit: number, domain: string, round: number) =>
		frames(right, 10 - right, { visit, domain, round });
	const seen = [
		...visit(4, 0, "a", 0),
		...visit(9, 1, "b", 0),
		...visit(6, 2, "a", 1),
		...visit(9, 3, "b", 1),
		...visit(10, 4, "a", 2),
		...visit(8, 5, "b", 2),
		...visit(1, 6, "once", 2),
	];
	const [later, last] = [laterVisits(seen), lastAgainstFirst(seen)];
	assert.deepEqual([...later.keys()], ["a", "b"]);
	close(later.get("a"), 0.4);
	close(later.get("b"), -0.05);
	close(last.get("a"), 0.6);
	close(last.get("b"), -0.1);
	const withoutRounds = seen.map(({ round: _, ...rest }) => rest);
	assert.deepEqual(lastAgainstFirst(withoutRounds), last);
});

test("a stream in which every frame is of another domain has no changes and no visits to compare", () => {
	const seen = Array.from({ length: 60 }, (_, i) =>
		frame({ domain: `d${i % 3}`, visit: i, round: 0, changed: i === 30 }),
	);
	assert.deepEqual(changes(seen), []);
	assert.equal(laterVisits(seen).size, 0);
	assert.deepEqual(detection(seen), { changes: [], falseAlarms: 0 });
});

test("the calibration error is the distance of confidence and accuracy, by bins", () => {
	close(calibrationError(frames(5, 5, { confidence: 0.5 })), 0);
	close(calibrationError(frames(5, 5, { confidence: 0.9 })), 0.4);
	close(calibrationError([...frames(10, 0, { confidence: 1 }), ...frames(0, 30, { confidence: 0.2 })]), 0.15);
	close(calibrationError(frames(3, 0, { confidence: Number.NaN })), 1);
});

/** Two visits of 16 frames each; `marked` are the frames in steps that saw a change. */
const watched = (marked: readonly number[]) =>
	Array.from({ length: 32 }, (_, i) =>
		frame({ domain: i < 16 ? "clean" : "fog 5", visit: i < 16 ? 0 : 1, believed: "x", changed: marked.includes(i) }),
	);

test("a change is seen as many frames late as lie before the first that was in a step which saw it", () => {
	assert.deepEqual(detection(watched([18, 19, 20, 21])), { changes: [{ domain: "fog 5", delay: 2 }], falseAlarms: 0 });
	assert.deepEqual(detection(watched([14, 15, 16, 17])), { changes: [{ domain: "fog 5", delay: 0 }], falseAlarms: 0 });
});

test("a change that is not seen is missed, one that is none or is seen again is a false alarm", () => {
	assert.deepEqual(detection(watched([])), { changes: [{ domain: "fog 5", delay: undefined }], falseAlarms: 0 });
	assert.deepEqual(detection(watched([4, 5])), { changes: [{ domain: "fog 5", delay: undefined }], falseAlarms: 1 });
	assert.deepEqual(detection(watched([4, 17, 25, 31])), { changes: [{ domain: "fog 5", delay: 1 }], falseAlarms: 3 });
});

test("a method that looks for no changes is not said to miss them", () => {
	assert.equal(detection(frames(9, 1)), undefined);
});

test("passes, bank and latency are those of the frames", () => {
	const seen = [
		frame({ milliseconds: 1, passes: 1, bankBytes: 10 }),
		frame({ milliseconds: 9, passes: 3, bankBytes: 30 }),
		frame({ milliseconds: 2, passes: 2 }),
	];
	assert.equal(passesPerFrame(seen), 2);
	assert.equal(bankBytes(seen), 30);
	assert.equal(bankBytes(frames(1, 0)), undefined);
	assert.deepEqual(latency(seen), { p50: 2, p95: 9 });
	assert.deepEqual(percentiles([...Array(100).keys()].reverse(), 0, 0.5, 0.95, 1), [0, 49, 94, 99]);
});
