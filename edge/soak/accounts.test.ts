import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyTally } from "../watch.js";
import { accountOf } from "./accounts.js";
import type { Heard } from "./consumer.js";

const counted = (predictions: number, dropped: number) => ({
	...emptyTally(),
	frames: predictions + dropped,
	predictions,
	dropped,
});
/** What was heard, by the frames' numbers in the order of `seq`; undefined: nothing came. */
const heard = (frames: readonly (number | undefined)[], lost: Heard["lost"] = []): Heard => ({
	frames: new Map([...frames.entries()].filter((entry): entry is [number, number] => entry[1] !== undefined)),
	lost,
	again: 0,
	status: "online",
	newest: 0,
});
const faultsOf = (...args: [ReturnType<typeof counted>, Heard]) => accountOf("road", ...args).faults;

test("counts add up when each prediction came or was said to be lost, and each missing frame was dropped", () => {
	assert.deepEqual(faultsOf(counted(4, 2), heard([0, 1, 3, 5])), []);
	assert.deepEqual(faultsOf(counted(4, 1), heard([3, 4, 0, 2])), [], "the source was opened anew");
	const { told, received } = accountOf(
		"road",
		counted(5, 0),
		heard([0, undefined, undefined, 3, 4], [{ from: 1, to: 2 }]),
	);
	assert.deepEqual({ told, received }, { told: 2, received: 3 });
	assert.deepEqual(faultsOf(counted(5, 0), heard([0, undefined, undefined, 3, 4], [{ from: 1, to: 2 }])), []);
});

test("what does not add up is named", () => {
	assert.deepEqual(faultsOf({ ...counted(2, 1), frames: 4 }, heard([0, 1])), [
		"4 frames are not 2 predicted and 1 dropped",
	]);
	assert.deepEqual(faultsOf(counted(4, 0), heard([0, undefined, 2])), [
		"2 predictions are missing, the first has seq 1",
	]);
	assert.deepEqual(faultsOf(counted(1, 0), heard([0, 1])), ["1 predictions came that nobody counted"]);
	assert.deepEqual(faultsOf(counted(3, 1), heard([0, 1, 4])), [
		"the frames' own numbers lack 2, more than the 1 dropped",
	]);
	assert.deepEqual(faultsOf(counted(2, 0), heard([0, 1], [{ from: 1, to: 1 }])), [
		"1 predictions came though they were said to be lost",
	]);
});
