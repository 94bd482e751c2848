import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openBundle } from "../../../adapters/bundle.js";
import { makeClip, temporaryDirectory } from "../../../adapters/fixtures.js";
import { openModel } from "../../../adapters/model.js";
import { yardstickOf } from "../../../operators/detect.js";
import { EdgeError } from "../../../operators/types.js";
import { workshop } from "../../prepare/fixtures.js";
import { prepare } from "../../prepare/prepare.js";
import { settingsWith } from "../methods/piped.js";
import { randomOf } from "../random.js";
import { looksOf, seen } from "./looks.js";
import { type Delay, delays, falseAlarms } from "./measure.js";
import { summary } from "./report.js";
import { clean, HOUR, type Moment } from "./script.js";
import { reels } from "./stems.js";

const looks = looksOf(randomOf(1));

const first = (count: number, seed: number): Moment[] => {
	const day = clean({ frames: 50, emptiest: 7 }, looks, randomOf(seed));
	return Array.from({ length: count }, () => day.next().value);
};

describe("the detector's measurement", () => {
	it("shows every event of an hour, and the same hour for the same seed", () => {
		const hour = first(HOUR, 3);
		assert.deepEqual(first(HOUR, 3), hour);
		assert.notDeepEqual(first(HOUR, 4), hour);
		assert.deepEqual(
			[...new Set(hour.map(({ look }) => look))].sort((a, b) => a - b),
			[...looks.all.keys()],
		);
		assert.ok(hour.every(({ frame }) => Number.isInteger(frame) && frame >= 0 && frame < 50));
		const held = hour.filter(({ frame }, i) => frame === 7 && hour[i - 1]?.frame === 7);
		assert.ok(held.length > HOUR / 20, `${held.length} frames of an empty road`);
	});

	it("moves a view by shares of its side and multiplies its exposure", () => {
		const size = { width: 40, height: 40 };
		const ramp = Uint8Array.from({ length: 3 * 1600 }, (_, i) => 2 * (i % 40));
		const view = { name: "", left: 0.25, top: 0.25, side: 0.5 };
		const look = (change: object) =>
			seen(ramp, size, view, { dx: 0, dy: 0, gain: 1, ...change }, { width: 10, height: 10 });
		assert.deepEqual([...look({}).subarray(0, 3)], [21, 25, 29]);
		assert.deepEqual([...look({ dx: 0.1 }).subarray(0, 3)], [25, 29, 33]);
		assert.deepEqual([...look({ gain: 2 }).subarray(0, 3)], [42, 50, 58]);
		assert.deepEqual(look({ dy: 0.1 }), look({}));
	});

	it("counts what was seen in time, and what was missed as latest of all", () => {
		const delay = (frames: number | undefined, severity: Delay["severity"] = 3): Delay => ({
			reel: "",
			corruption: "fog",
			severity,
			frames,
		});
		assert.deepEqual(summary([delay(32), delay(136), delay(undefined), delay(64)]), {
			...{ changes: 4, missed: 1, inTime: 2, median: 64, p95: Number.POSITIVE_INFINITY, max: Number.POSITIVE_INFINITY },
		});
		assert.equal(summary([delay(136, "drift")]).inTime, 1);
	});

	it("plays a real clip through a real model: a still picture gives no alarm, night is seen", async () => {
		const shop = await workshop();
		try {
			await prepare(shop);
			const bundle = await openBundle(shop.out);
			const model = await openModel(bundle, { threads: 1 });
			const still = ["-f", "lavfi", "-i", "smptebars=size=128x96:rate=25:duration=1.6"];
			const clip = await makeClip(join(temporaryDirectory(), "clip.mp4"), ...still);
			const short = await makeClip(join(temporaryDirectory(), "short.mp4"), ...still, "-frames:v", "7");
			const only = { ...looks, shakes: [looks.still], pans: [[looks.still]], exposures: [looks.still] };
			const yardstick = await yardstickOf(model);
			const settings = settingsWith("zoa", { seed: 1, window: 64 });
			const question = { bundle, yardstick, looks: only, settings, seed: 1 };
			try {
				for await (const reel of reels(clip, model, looks, ["night"], 1)) {
					assert.equal(falseAlarms(question, reel, 0.1).alarms, 0, reel.name);
					const found = delays(question, reel);
					assert.deepEqual(delays(question, reel), found);
					assert.equal(found.length, 4);
					if (reel.name.endsWith("whole")) assert.ok((found[2].frames ?? 1000) <= 128, `${found[2].frames}`);
				}
				await assert.rejects(reels(short, model, looks, [], 1).next(), (error: Error) => {
					assert.ok(error instanceof EdgeError);
					assert.match(error.message, /short\.mp4: expected 8 frames at least, found 7/);
					return true;
				});
			} finally {
				await model.close();
			}
		} finally {
			await shop.remove();
		}
	});
});
