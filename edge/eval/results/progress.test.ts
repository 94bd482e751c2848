import assert from "node:assert/strict";
import { test } from "node:test";
import { frames, run } from "./fixtures.js";
import { openProgress, secondsLeft } from "./progress.js";

const id = { model: "vit W8A8", stream: "continual", seed: 1 };
const planned = ["none", "zoa"].map((method) => ({ ...id, method, frames: 100 }));
const none = run({ frames: frames(100, 0), seconds: 10 });

const written = (isTTY: boolean, json = false, atATime = 1) => {
	const lines: string[] = [];
	let time = 0;
	const progress = openProgress({ isTTY, write: (text: string) => lines.push(text) }, planned, {
		json,
		atATime,
		now: () => time,
	});
	return { lines, progress, wait: (seconds: number) => (time += seconds * 1e3) };
};

const follow = ({ progress, wait }: ReturnType<typeof written>) => {
	progress.start(planned[0]);
	wait(60);
	progress.done(none);
	wait(60);
	progress.start(planned[1]);
	wait(60);
	progress.seen(planned[1], 50);
	progress.end();
};

test("the line says what is done, what is made and how long is left", () => {
	const watched = written(false);
	follow(watched);
	assert.deepEqual(watched.lines, [
		"0/2 runs  vit W8A8, continual, none, seed 1  0 s\n",
		"1/2 runs  1 min  about 10 s left\n",
		"1/2 runs  vit W8A8, continual, zoa, seed 1  2 min  about 10 s left\n",
		"1/2 runs  vit W8A8, continual, zoa, seed 1  3 min  about 5 s left\n",
	]);
});

test("of runs that are made at the same time each is followed, and the time that is left is shared out", () => {
	const { lines, progress, wait } = written(false, false, 2);
	progress.start(planned[0]);
	wait(60);
	progress.start(planned[1]);
	wait(60);
	progress.done(none);
	wait(60);
	progress.seen(planned[1], 20);
	assert.deepEqual(lines.slice(1), [
		"0/2 runs  vit W8A8, continual, zoa, seed 1  1 min\n",
		"1/2 runs  vit W8A8, continual, zoa, seed 1  2 min  about 5 s left\n",
		"1/2 runs  vit W8A8, continual, zoa, seed 1  3 min  about 4 s left\n",
	]);
});

test("a terminal has one line that is overwritten and cleared at the end", () => {
	const watched = written(true);
	follow(watched);
	assert.ok(watched.lines.every((line) => line.startsWith("\r\x1b[K") && !line.includes("\n")));
	assert.equal(watched.lines[watched.lines.length - 1], "\r\x1b[K");
});

test("it says nothing with --json, and little where it is not a terminal", () => {
	const silent = written(true, true);
	follow(silent);
	assert.deepEqual(silent.lines, []);
	const { lines, progress } = written(false);
	progress.start(planned[0]);
	for (let i = 0; i < 100; i++) progress.seen(planned[0], i);
	assert.equal(lines.length, 1);
});

test("what is left is frames × passes × seconds of a pass, of the runs that are most alike", () => {
	const made = [
		{ ...id, method: "none", frames: 100, passes: 100, seconds: 1 },
		{ ...id, method: "zoa", frames: 100, passes: 200, seconds: 4 },
	];
	const left = (method: string, more = {}) => secondsLeft(made, [{ ...id, method, frames: 200, ...more }]);
	assert.equal(left("none"), 2);
	assert.equal(left("zoa"), 8);
	// Unknown: 1.5 passes a frame as the others, each of 5/300 seconds.
	assert.ok(Math.abs((left("memo") as number) - 5) < 1e-9);
	// Another model: zoa's two passes, at what zoa's passes took.
	assert.equal(left("zoa", { model: "cnn" }), 8);
	assert.equal(secondsLeft([], planned), undefined);
	assert.equal(secondsLeft(made, []), 0);
});
