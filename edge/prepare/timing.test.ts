import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { medianRatio, medians, timed } from "./timing.js";

/** Runs that take as long as their lists say, one entry after the other, on a clock of their own. */
function scripted<K extends string>(durations: Readonly<Record<K, readonly number[]>>) {
	let time = 1000;
	const order: string[] = [];
	const runs = Object.fromEntries(
		Object.entries<readonly number[]>(durations).map(([name, all]) => {
			const left = [...all];
			const run = async () => {
				order.push(name);
				time += left.shift() as number;
			};
			return [name, run];
		}),
	) as Record<K, () => Promise<void>>;
	return { runs, order, now: () => time };
}

describe("things timed in turns", () => {
	it("run one after the other in every round, the first of which does not count", async () => {
		const { runs, order, now } = scripted({ a: [900, 10, 20, 60], b: [700, 5, 40, 15] });
		const timings = await timed(runs, 3, 10, now);
		assert.deepEqual(order, ["a", "b", "a", "b", "a", "b", "a", "b"]);
		assert.deepEqual(timings, { a: [1, 2, 6], b: [0.5, 4, 1.5] });
		assert.deepEqual(medians(timings), { a: 2, b: 1.5 });
	});

	it("are compared within each round, so that a slow moment of the machine does not show", async () => {
		const { runs, now } = scripted({ a: [1, 10, 100, 12], b: [1, 20, 200, 24] });
		const timings = await timed(runs, 3, 1, now);
		assert.equal(medianRatio(timings, "b", "a"), 2);
		assert.equal(medianRatio(timings, "a", "b"), 0.5);
	});

	it("take the middle of two where the rounds are even in number", async () => {
		const { runs, now } = scripted({ a: [1, 4, 2] });
		assert.deepEqual(medians(await timed(runs, 2, 1, now)), { a: 3 });
	});

	it("fail when one of them does", async () => {
		await assert.rejects(timed({ a: () => Promise.reject(new Error("no model")) }, 1, 1), /no model/);
	});

	it("take real time where no clock is given", async () => {
		const { a } = await timed({ a: () => new Promise<void>((done) => setTimeout(done, 20)) }, 2, 2);
		assert.ok(
			a.every((time) => time > 5 && time < 500),
			`${a}`,
		);
	});
});
