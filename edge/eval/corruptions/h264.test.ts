import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bundledFfmpeg, systemFfmpeg } from "../../../adapters/ffmpeg.js";
import type { Image } from "../image.js";
import { distance, draw, scene } from "./fixtures.js";
import { h264, h264With } from "./h264.js";

/** Something that moves over a scene. */
const clip = (width: number, height: number, length: number): Image[] => {
	const back = scene(width, height, 1);
	return Array.from({ length }, (_, t) => {
		const ball = draw(width, height, (u, v) =>
			Math.hypot(u - t / length, v - 0.4) < 0.15 ? [1, 0.2, 0.1] : [0, 0, 0],
		);
		const isBall = (i: number) => ball.data[i % (width * height)] === 1;
		return { ...back, data: back.data.map((value, i) => (isBall(i) ? ball.data[i] : value)) };
	});
};

const lost = (a: readonly Image[], b: readonly Image[]) =>
	a.reduce((sum, image, i) => sum + distance(image, b[i]), 0) / a.length;

for (const [name, ffmpeg] of [
	["the ffmpeg of the system", systemFfmpeg()],
	["the ffmpeg from npm", bundledFfmpeg()],
] as const) {
	describe(`h264 with ${name}`, { skip: ffmpeg === undefined && "there is none" }, () => {
		const corruption = h264With(() => ffmpeg as string);
		const frames = clip(64, 64, 20);

		it("gives every frame back, in order, worse with each severity and the same every time", async () => {
			const severities = [1, 2, 3, 4, 5] as const;
			const decoded = await Promise.all(severities.map((severity) => corruption.apply(frames, severity)));
			const losses = decoded.map((images) => {
				assert.equal(images.length, 20);
				assert.ok(images.every(({ width, height }) => width === 64 && height === 64));
				assert.ok(images.every(({ data }) => data.every((value) => value >= 0 && value <= 1)));
				return lost(images, frames);
			});
			assert.ok(losses[0] < 0.003, String(losses));
			for (let i = 1; i < 5; i++) assert.ok(losses[i] > losses[i - 1], String(losses));
			for (const [i, image] of decoded[0].entries()) {
				assert.ok(
					frames.every((frame) => distance(image, frames[i]) <= distance(image, frame)),
					`frame ${i}`,
				);
			}
			assert.deepEqual(await corruption.apply(frames, 3), decoded[2]);
		});

		it("takes pictures of odd sizes, one picture and none", async () => {
			const [odd] = await corruption.apply(clip(33, 17, 1), 1);
			assert.deepEqual([odd.width, odd.height, odd.data.length], [33, 17, 3 * 33 * 17]);
			assert.ok(distance(odd, clip(33, 17, 1)[0]) < 0.01);
			assert.deepEqual(await corruption.apply([], 1), []);
		});
	});
}

describe("h264", () => {
	let directory: string;
	before(async () => {
		directory = await mkdtemp(join(tmpdir(), "acclimate-h264-"));
	});
	after(() => rm(directory, { recursive: true }));

	/** A program that answers as ffmpeg does when it is asked its version, and then does what `script` says. */
	const pretending = async (name: string, script: string) => {
		const path = join(directory, name);
		await writeFile(path, `#!/bin/sh\n[ "$1" = -version ] && echo "ffmpeg version 5.1" && exit 0\n${script}\n`);
		await chmod(path, 0o755);
		return h264With(() => path);
	};

	it("refuses pictures of different sizes", async () => {
		await assert.rejects(h264.apply([scene(8, 8, 1), scene(8, 16, 1)], 1), /one size/);
	});

	it("says what ffmpeg said when that fails", async () => {
		const broken = await pretending("broken", "echo \"Unknown encoder 'libx264'\" >&2; exit 1");
		await assert.rejects(broken.apply(clip(64, 64, 50), 1), {
			name: "EdgeError",
			message: "a clip could not be put through H.264: Unknown encoder 'libx264'",
		});
	});

	it("says when frames are missing", async () => {
		const silent = await pretending("silent", "cat > /dev/null");
		await assert.rejects(silent.apply(clip(8, 8, 2), 1), { message: "ffmpeg gave 0 of 2 frames back" });
	});

	it("ends its programs when it is told to stop", async () => {
		const stuck = await pretending("stuck", "exec sleep 60");
		const started = performance.now();
		await assert.rejects(stuck.apply(clip(64, 64, 50), 1, AbortSignal.timeout(300)), { name: "TimeoutError" });
		assert.ok(performance.now() - started < 10_000);
		await assert.rejects(h264.apply(clip(8, 8, 1), 1, AbortSignal.abort()), { name: "AbortError" });
	});
});
