import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Camera, Frame } from "../operators/types.js";
import { eventually } from "./fixtures.js";

export interface CameraSetup {
	/** Frames the source holds; the first byte of each is greater than that of the one before. */
	readonly count: number;
	readonly loop: boolean;
	/** Live, at 100 frames a second; else lossless. */
	readonly live: boolean;
	/** Names of parts, each of which shows what the whole picture shows. */
	readonly regions?: readonly string[];
}

/** What every camera does. `open` makes one that shows a source of pictures that get brighter. */
export function cameraContract(name: string, open: (setup: CameraSetup) => Promise<Camera>): void {
	describe(`camera: ${name}`, () => {
		const setup: CameraSetup = { count: 50, loop: false, live: false };

		it("gives every frame once, in order, the last batch short, then none", async () => {
			const camera = await open(setup);
			const batches = await takeAll(camera, 8);
			assert.deepEqual(
				batches.map((batch) => batch.length),
				[8, 8, 8, 8, 8, 8, 2],
			);
			const frames = batches.flat();
			assert.deepEqual(
				frames.map((frame) => frame.index),
				Array.from(frames, (_, index) => index),
			);
			for (let i = 1; i < frames.length; i++) {
				assert.ok(frames[i].pixels[0] > frames[i - 1].pixels[0], `frame ${i} is another picture`);
				assert.ok(frames[i].capturedAt >= frames[i - 1].capturedAt);
			}
			assert.deepEqual(await camera.take(8, 100), []);
			assert.equal(camera.live, false);
			await camera.close();
		});

		it("waits for a slow taker when lossless: nothing is dropped and few frames wait", async () => {
			const camera = await open(setup);
			let taken = 0;
			for (let batch = await camera.take(4, 0); batch.length > 0; batch = await camera.take(4, 0)) {
				taken += batch.length;
				await sleep(10);
				assert.ok(camera.waiting <= 32, `${camera.waiting} frames wait`);
			}
			assert.equal(taken, 50);
			assert.equal(camera.dropped, 0);
			await camera.close();
		});

		it("gives more frames at once than it keeps waiting", async () => {
			const camera = await open(setup);
			assert.equal((await camera.take(40, 0)).length, 40);
			assert.equal((await camera.take(40, 0)).length, 10);
			await camera.close();
		});

		it("starts over when looped, and goes on counting", async () => {
			const camera = await open({ ...setup, loop: true });
			const frames = [...(await camera.take(60, 0)), ...(await camera.take(60, 0))];
			assert.equal(frames.length, 120);
			assert.equal(frames[119].index, 119);
			assert.equal(frames[100].pixels[0], frames[0].pixels[0]);
			await camera.close();
		});

		it("gives each part of a picture by its name, with one index and time, and drops pictures whole", async () => {
			const regions = ["left", "right", "sky"];
			const camera = await open({ ...setup, regions });
			const frames = (await takeAll(camera, 8)).flat();
			assert.equal(frames.length, 150);
			for (const [i, frame] of frames.entries()) {
				const first = frames[i - (i % 3)];
				assert.equal(frame.region, regions[i % 3]);
				assert.equal(frame.index, Math.floor(i / 3));
				assert.equal(frame.capturedAt, first.capturedAt);
				assert.deepEqual(frame.pixels, first.pixels);
			}
			await camera.close();

			const live = await open({ ...setup, live: true, regions });
			await eventually(() => live.dropped >= 20);
			const kept = (await takeAll(live, 8)).flat();
			assert.equal(kept.length % 3, 0);
			assert.equal(kept[0].region, "left");
			assert.equal(kept.at(-1)?.index, 49);
			assert.equal(live.dropped, 150 - kept.length);
			await live.close();
		});

		it("keeps the newest frames when live, and counts what it dropped", async () => {
			const camera = await open({ ...setup, live: true });
			await eventually(() => camera.dropped >= 20);
			const frames = (await takeAll(camera, 8)).flat();
			assert.equal(camera.live, true);
			assert.ok(frames.length >= 16, `${frames.length} frames were kept`);
			assert.equal(frames.at(-1)?.index, 49);
			assert.equal(camera.dropped, 50 - frames.length);
			await camera.close();
		});

		it("does not wait for a full batch when live: patience counts from the first frame", async () => {
			const camera = await open({ ...setup, live: true });
			const frames = await camera.take(50, 60);
			assert.ok(frames.length >= 1 && frames.length < 50, `${frames.length} frames`);
			await camera.close();
		});

		it("resolves a pending take when it is closed, and gives nothing after that", async () => {
			const camera = await open({ ...setup, live: true });
			const pending = camera.take(1000, 60_000);
			await sleep(50);
			await camera.close();
			assert.ok((await pending).length < 50);
			assert.deepEqual(await camera.take(1, 0), []);
			await camera.close();
		});

		it("refuses a second take while one is pending", async () => {
			const camera = await open({ ...setup, live: true });
			const pending = camera.take(1000, 60_000);
			await assert.rejects(camera.take(1, 0), /pending/);
			await camera.close();
			await pending;
		});
	});
}

async function takeAll(camera: Camera, limit: number): Promise<(readonly Frame[])[]> {
	const batches: (readonly Frame[])[] = [];
	for (let batch = await camera.take(limit, 50); batch.length > 0; batch = await camera.take(limit, 50)) {
		batches.push(batch);
	}
	return batches;
}
