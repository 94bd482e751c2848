import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { CameraError, Frame } from "../../operators/types.js";
import { type CameraOptions, openCamera } from "../camera.js";
import { bundledFfmpeg, systemFfmpeg } from "../ffmpeg.js";
import { makeClip, temporaryDirectory } from "../fixtures.js";
import { videoFile } from "./source.js";

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);
const small = { width: 8, height: 8, fit: "stretch" } as const;

/** A picture of four quarters: red and green above, blue and white below. */
const QUARTERS = [
	...["-f", "lavfi", "-i", "color=red:s=16x16:r=25:d=1,format=gbrp"],
	...["-vf", "drawbox=16/2:0:8:8:lime:fill,drawbox=0:8:8:8:blue:fill,drawbox=8:8:8:8:white:fill"],
];

before(async () => {
	await makeClip(at("quarters.mkv"), ...QUARTERS, "-c:v", "ffv1");
	await makeClip(at("steady.mkv"), "-f", "lavfi", "-i", "testsrc2=s=32x24:r=25:d=4", "-c:v", "ffv1");
	await makeClip(at("h264.mp4"), "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-c:v", "libx264");
	for (const size of ["64x48", "160x120"]) {
		await makeClip(at(`${size}.ts`), "-f", "lavfi", "-i", `testsrc2=s=${size}:r=25:d=1`, "-c:v", "mpeg2video");
	}
	writeFileSync(at("two-sizes.ts"), Buffer.concat(["64x48", "160x120"].map((size) => readFileSync(at(`${size}.ts`)))));
	mkdirSync(at("pictures [1]"));
	for (const [name, shade] of [
		["b.jpg", 0x40],
		["a.JPG", 0x10],
		["c.jpeg", 0x80],
	] as const) {
		const colour = `0x${Buffer.of(shade, shade, shade).toString("hex")}`;
		await makeClip(at("made.jpg"), "-f", "lavfi", "-i", `color=${colour}:s=16x16:d=0.04,format=yuvj444p`);
		writeFileSync(join(at("pictures [1]"), name), readFileSync(at("made.jpg")));
	}
	writeFileSync(join(at("pictures [1]"), "notes.txt"), "not a picture");
});

/** The first pixel's colour, or that of the middle of the picture. */
const colourOf = ({ pixels }: Frame, at = 0): string => {
	const plane = pixels.length / 3;
	const [green, blue, red] = [0, 1, 2].map((channel) => pixels[channel * plane + at] > 127);
	return `${red ? "r" : ""}${green ? "g" : ""}${blue ? "b" : ""}`;
};

for (const [name, ffmpeg] of [
	["the ffmpeg on the PATH", systemFfmpeg()],
	["the ffmpeg that npm installed", bundledFfmpeg()],
] as const) {
	if (ffmpeg === undefined) {
		it(`pictures, with ${name}`, { skip: "not on this machine" }, () => {});
		continue;
	}
	const all = async (options: CameraOptions): Promise<readonly Frame[]> => {
		const camera = await openCamera(options, ffmpeg);
		try {
			return await camera.take(1000, 60_000);
		} finally {
			await camera.close();
		}
	};
	const failure = async (options: CameraOptions): Promise<string> => {
		try {
			return `no failure but ${(await all(options)).length} frames`;
		} catch (error) {
			return `${(error as CameraError).reason}: ${(error as Error).message.replace(directory, "")}`;
		}
	};

	describe(`a picture, with ${name}`, () => {
		it("is turned clockwise, before its region is cut out", async () => {
			for (const [rotate, colour] of [
				[0, "r"],
				[90, "b"],
				[180, "rgb"],
				[270, "g"],
			] as const) {
				const [whole] = await all({ ...small, source: videoFile(at("quarters.mkv")), rotate });
				assert.equal(colourOf(whole), colour, `${rotate}`);
				const region = [0, 0, 8, 8] as const;
				const [part] = await all({ ...small, source: videoFile(at("quarters.mkv")), rotate, region });
				assert.equal(colourOf(part), colour, `${rotate}`);
				assert.equal(colourOf(part, 63), colour, `${rotate}`);
			}
		});

		it("is cut into regions, each with its own pixels, as a camera of that region alone gives them", async () => {
			const regions = { sky: [0, 0, 16, 5], right: [8, 0, 8, 8], white: [8, 8, 8, 8] } as const;
			for (const fit of ["stretch", "crop", "pad"] as const) {
				const source = videoFile(at("quarters.mkv"));
				const frames = await all({ ...small, fit, source, regions });
				assert.equal(frames.length, 75);
				for (const [i, [region, area]] of Object.entries(regions).entries()) {
					const alone = await all({ ...small, fit, source, region: area });
					assert.equal(frames[i].region, region);
					assert.deepEqual(frames[i].pixels, alone[0].pixels, `${fit} ${region}`);
				}
			}
		});

		it("of one named region has its name", async () => {
			const frames = await all({
				...small,
				source: videoFile(at("quarters.mkv")),
				regions: { only: [8, 8, 8, 8] },
			});
			assert.deepEqual([frames.length, frames[0].region, colourOf(frames[0])], [25, "only", "rgb"]);
		});

		it("comes at most fps times a second, and never twice", async () => {
			for (const [fps, count] of [
				[10, 40],
				[7.5, 30],
				[1, 4],
				[25, 100],
				[60, 100],
			] as const) {
				assert.equal((await all({ ...small, source: videoFile(at("steady.mkv")), fps })).length, count, `${fps}`);
			}
		});

		it("may change its size in mid-stream, and is cut and scaled as before", async () => {
			const source = videoFile(at("two-sizes.ts"));
			for (const more of [{}, { regions: { a: [0, 0, 64, 48], b: [8, 8, 32, 32] } }] as const) {
				const frames = await all({ ...small, source, ...more });
				assert.ok(frames.length / (1 + Object.keys(more).length) >= 48, `${frames.length} frames`);
				assert.ok(frames.every(({ pixels }) => pixels.length === 192));
			}
		});

		it("is decoded by the processor where the hardware fails, with a word about it", async () => {
			const warnings: string[] = [];
			const onWarning = (message: string) => warnings.push(message);
			for (const hwaccel of ["cuda", "qsv", "auto"] as const) {
				const source = videoFile(at("h264.mp4"));
				assert.equal((await all({ ...small, source, hwaccel, onWarning })).length, 25, hwaccel);
			}
			for (const warning of warnings) assert.match(warning, /cannot be decoded with (cuda|qsv): the processor does it/);
		});
	});

	describe(`a folder of pictures, with ${name}`, () => {
		it("is read in the order of the names, whatever the folder is called", async () => {
			const frames = await all({ ...small, source: videoFile(at("pictures [1]")) });
			const shades = frames.map(({ pixels }) => pixels[0] >> 4);
			assert.deepEqual(shades, [1, 4, 8]);
		});

		it("may be shown at a rate, and again and again", async () => {
			const source = { ...videoFile(at("pictures [1]")), loop: true, pace: "realtime" } as const;
			const camera = await openCamera({ ...small, source, fps: 20 }, ffmpeg);
			const frames = await camera.take(8, 10_000);
			assert.deepEqual(
				frames.map(({ pixels }) => pixels[0] >> 4),
				[1, 4, 8, 1, 4, 8, 1, 4],
			);
			assert.ok(frames[7].capturedAt - frames[0].capturedAt >= 200);
			await camera.close();
		});

		it("of several kinds is refused", async () => {
			mkdirSync(at("mixed"), { recursive: true });
			for (const file of ["a.jpg", "b.png"]) writeFileSync(join(at("mixed"), file), "");
			assert.equal(
				await failure({ ...small, source: videoFile(at("mixed")) }),
				"unreadable: /mixed is a folder of pictures of several kinds: .jpg and .png",
			);
		});
	});

	describe(`other sources, with ${name}`, () => {
		it("a test picture moves, live", async () => {
			const camera = await openCamera({ ...small, source: { kind: "test" } }, ffmpeg);
			const frames = await camera.take(10, 10_000);
			assert.equal(camera.live, true);
			assert.equal(frames.length, 10);
			assert.notDeepEqual(frames[0].pixels, frames[9].pixels);
			assert.ok(frames[9].capturedAt - frames[0].capturedAt >= 200);
			await camera.close();
		});

		it("a recording in a format that nobody knows has its name", async () => {
			const known = await makeClip(at("known.avi"), "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-c:v", "mpeg4");
			writeFileSync(at("odd.avi"), readFileSync(known, "latin1").replaceAll("FMP4", "ZZP4"), "latin1");
			const sentence = "codec: /odd.avi is in a format that this ffmpeg cannot decode";
			assert.equal(await failure({ ...small, source: videoFile(at("odd.avi")) }), sentence);
		});

		it("a device that is not there, is none, or is a path elsewhere, has its name", async () => {
			const device = (path: string) => failure({ ...small, source: { kind: "device", device: path } });
			assert.equal(await device("/dev/video-none"), "not-found: /dev/video-none does not exist");
			assert.equal(await device("/dev/null"), "unreadable: /dev/null is not a camera");
			for (const path of ["/dev/../etc/passwd", "-i", "/etc/passwd"]) assert.match(await device(path), /not a device/);
		});
	});
}

describe("an ffmpeg that misbehaves", { skip: process.platform === "win32" && "needs a shell" }, () => {
	const VERSION = '[ "$1" = -version ] && echo ffmpeg version 5.1 && exit';
	/** A program that stands in for ffmpeg. */
	const program = (name: string, script: string): string => {
		writeFileSync(at(name), `#!/bin/sh\n${VERSION}\n${script}\n`);
		chmodSync(at(name), 0o755);
		return at(name);
	};
	const gate = { kind: "stream", url: "rtsp://u:hunter2@gate/1", pace: "fast", verify: true } as const;
	const told = async (ffmpeg: string, more: Partial<CameraOptions> = {}) => {
		const camera = await openCamera({ ...small, source: gate, ...more }, ffmpeg);
		let frames = 0;
		try {
			for (;;) {
				const { length } = await camera.take(8, 50);
				if (length === 0) return [frames, "none"];
				frames += length;
			}
		} catch (error) {
			return [frames, (error as CameraError).reason, (error as Error).message];
		} finally {
			await camera.close();
		}
	};
	const FRAME = "head -c 192 /dev/zero";

	it("is killed when it hangs, from the start or after some frames", async () => {
		const silent = "rtsp://***@gate/1 has sent no frame for 1 s";
		assert.deepEqual(await told(program("hangs", "exec sleep 60"), { stall: 1000 }), [0, "timeout", silent]);
		const later = program("hangs-later", `${FRAME}; ${FRAME}; exec sleep 60`);
		assert.deepEqual(await told(later, { stall: 1000 }), [2, "timeout", silent]);
	});

	it("is not thought to hang while nobody takes its frames", async () => {
		const source = { ...videoFile(at("steady.mkv")) };
		const camera = await openCamera({ ...small, source, stall: 1000 });
		await camera.take(1, 0);
		await new Promise((done) => setTimeout(done, 1500));
		assert.equal((await camera.take(99, 0)).length, 99);
		await camera.close();
	});

	it("is told of when it exits at once, with what it said last", async () => {
		const exits = program("exits", "echo '[error] something else' >&2; exit 3");
		assert.deepEqual(await told(exits), [0, "unreadable", "rtsp://***@gate/1 cannot be read: something else"]);
	});

	it("may flood its standard error: memory stays bounded and frames come", async () => {
		const flood = program("floods", `yes '[error] corrupt macroblock' | head -n 60000 >&2; ${FRAME}; ${FRAME}`);
		const before = process.memoryUsage().rss;
		assert.deepEqual(await told(flood), [2, "ended", "rtsp://***@gate/1 has ended: corrupt macroblock"]);
		assert.ok(process.memoryUsage().rss - before < 100e6);
	});

	it("that sends half a frame has ended; the half is not given out", async () => {
		assert.deepEqual(await told(program("half", `${FRAME}; head -c 96 /dev/zero`)), [
			1,
			"ended",
			"rtsp://***@gate/1 has ended",
		]);
	});
});
