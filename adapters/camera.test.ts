import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Camera } from "../operators/types.js";
import { cameraContract } from "./camera.contract.js";
import { type CameraOptions, ffmpegArguments, openCamera } from "./camera.js";
import { bundledFfmpeg, passthrough, systemFfmpeg } from "./ffmpeg.js";
import { eventually, makeClip, sharedFile, temporaryDirectory } from "./fixtures.js";
import { type File, videoFile } from "./sources/source.js";

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);
const small = { width: 8, height: 8, fit: "stretch" } as const;
const endless = (file: string): File => ({ ...videoFile(file), loop: true, pace: "realtime" });

before(async () => {
	// 50 pictures, each 4 levels brighter than the one before.
	await makeClip(
		at("brighter.mkv"),
		...["-f", "lavfi", "-i", "nullsrc=s=32x32:r=100:d=0.5,format=gray,geq=lum=N*4,format=gbrp", "-c:v", "ffv1"],
	);
	await makeClip(at("test.mp4"), "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=2", "-c:v", "mpeg4", "-bf", "0");
});

const programs = [
	["the ffmpeg on the PATH", systemFfmpeg()],
	["the ffmpeg that npm installed", bundledFfmpeg()],
] as const;

for (const [name, ffmpeg] of programs) {
	if (ffmpeg === undefined) {
		it(`camera: ${name}`, { skip: "not on this machine" }, () => {});
		continue;
	}
	cameraContract(name, ({ loop, live, regions }) =>
		openCamera(
			{
				...small,
				width: 64,
				height: 64,
				source: { kind: "file", file: at("brighter.mkv"), loop, pace: live ? "realtime" : "fast" },
				...(regions && { regions: Object.fromEntries(regions.map((name) => [name, [0, 0, 32, 32]])) }),
			},
			ffmpeg,
		),
	);

	describe(`a source that cannot be read, with ${name}`, () => {
		const failure = async (file: string, more: Partial<CameraOptions> = {}) => {
			let camera: Camera | undefined;
			try {
				camera = await openCamera({ ...small, source: videoFile(file), ...more }, ffmpeg);
				const frames = await camera.take(8, 50);
				throw new Error(`no failure but ${frames.length} frames`);
			} catch (error) {
				assert.equal((error as { code?: string }).code, "camera", `${error}`);
				return (error as Error).message.replace(directory, "");
			} finally {
				await camera?.close();
			}
		};

		it("is a missing file, a folder without pictures or an empty file", async () => {
			assert.equal(await failure(at("none.mp4")), "/none.mp4 does not exist");
			mkdirSync(at("empty"), { recursive: true });
			assert.equal(await failure(at("empty")), "/empty is a folder without pictures");
			writeFileSync(at("empty.mp4"), "");
			assert.equal(await failure(at("empty.mp4")), "/empty.mp4 is empty");
		});

		it("is a text file, whatever it is called", async () => {
			writeFileSync(at("text.txt"), "this is not a video\n".repeat(200));
			assert.match(await failure(at("text.txt")), /is not a video|is not in one of the video formats/);
			copyFileSync(at("text.txt"), at("text.mp4"));
			assert.match(await failure(at("text.mp4")), /is no video/);
		});

		it("is a playlist or a script that would make ffmpeg open other files", async () => {
			writeFileSync(at("list.txt"), `ffconcat version 1.0\nfile ${at("test.mp4")}\n`);
			assert.match(await failure(at("list.txt")), /is not a video|is not in one of the video formats/);
			writeFileSync(at("list.m3u8"), `#EXTM3U\n#EXTINF:2,\n${at("test.mp4")}\n#EXT-X-ENDLIST\n`);
			assert.match(await failure(at("list.m3u8")), /is not a video|is not in one of the video formats/);
		});

		it("is a sound recording", async () => {
			await makeClip(at("sound.mp4"), "-f", "lavfi", "-i", "sine=d=1");
			assert.equal(await failure(at("sound.mp4")), "/sound.mp4 has no video in it");
		});

		it("is an MP4 whose recording was cut off before its index was written", async () => {
			writeFileSync(at("cut.mp4"), readFileSync(at("test.mp4")).subarray(0, 3000));
			assert.match(await failure(at("cut.mp4")), /^\/cut\.mp4 .*moov/);
		});

		it("is a picture that the region reaches out of", async () => {
			const region = [40, 0, 32, 32] as const;
			assert.equal(
				await failure(at("test.mp4"), { region }),
				"/test.mp4: region [40, 0, 32, 32] reaches outside the picture of 64×48",
			);
			assert.match(await failure(at("test.mp4"), { region: [0, 0, 1.5, 4] }), /not a rectangle/);
		});

		it("fails again when asked again", async () => {
			const camera = await openCamera({ ...small, source: videoFile(at("sound.mp4")) }, ffmpeg);
			await assert.rejects(camera.take(1, 0), /no video/);
			await assert.rejects(camera.take(1, 0), /no video/);
			await camera.close();
		});
	});

	describe(`frames from ${name}`, () => {
		it("are exactly the pictures of the clip", async (t) => {
			const file = sharedFile("intel_car-detection.mp4");
			if (file === undefined) return t.skip("intel_car-detection.mp4 is not on this machine");
			const warnings: string[] = [];
			const options = { source: videoFile(file), width: 224, height: 224, fit: "stretch" } as const;
			const camera = await openCamera({ ...options, onWarning: (message) => warnings.push(message) }, ffmpeg);
			let count = 0;
			for (let batch = await camera.take(8, 0); batch.length > 0; batch = await camera.take(8, 0))
				count += batch.length;
			assert.equal(count, 377);
			assert.deepEqual(warnings, []);
		});

		it("come in planes green, blue, red", async () => {
			await makeClip(at("red.mkv"), "-f", "lavfi", "-i", "color=red:s=16x16:d=0.2,format=gbrp", "-c:v", "ffv1");
			const camera = await openCamera({ ...small, source: videoFile(at("red.mkv")) }, ffmpeg);
			const [frame] = await camera.take(1, 0);
			assert.equal(frame.pixels.length, 3 * 64);
			assert.deepEqual(
				[frame.pixels[0], frame.pixels[64], frame.pixels[128]].map((v) => v > 200),
				[false, false, true],
			);
			await camera.close();
		});

		it("are what the same file gave before, to the byte, however they are fitted", async () => {
			for (const fit of ["stretch", "crop", "pad"] as const) {
				const options: CameraOptions = {
					...small,
					source: videoFile(at("test.mp4")),
					width: 31,
					height: 17,
					fit,
					region: [3, 5, 41, 37],
				};
				const runs: Camera[] = await Promise.all([0, 1].map(() => openCamera(options, ffmpeg)));
				const [one, two] = await Promise.all(runs.map((camera) => camera.take(60, 0)));
				assert.equal(one.length, 50);
				assert.deepEqual(
					one.map((frame) => frame.pixels),
					two.map((frame) => frame.pixels),
				);
				await Promise.all(runs.map((camera) => camera.close()));
			}
		});

		it("are delivered as far as a damaged file has them, and its end is warned of", async () => {
			await makeClip(at("index-first.mp4"), "-i", at("test.mp4"), "-c", "copy", "-movflags", "faststart");
			const whole = readFileSync(at("index-first.mp4"));
			writeFileSync(at("damaged.mp4"), whole.subarray(0, whole.length * 0.6));
			const warnings: string[] = [];
			const options = {
				...small,
				source: videoFile(at("damaged.mp4")),
				onWarning: (message: string) => warnings.push(message),
			};
			const camera = await openCamera(options, ffmpeg);
			const frames = await camera.take(100, 0);
			assert.ok(frames.length > 5 && frames.length < 50, `${frames.length} frames`);
			assert.deepEqual(await camera.take(100, 0), []);
			await camera.close();
			// The ffmpeg of 2018 says nothing when the file ends between two frames.
			for (const warning of warnings) assert.match(warning, /damaged\.mp4 looks damaged: \d+ frames/);
		});

		it("come from a file whose name would mean something to a shell or to ffmpeg", async () => {
			for (const name of ["-i", "a b'\"$(id);%d.mp4", "concat:x|y.mp4", "pipe:0"]) {
				mkdirSync(at("odd"), { recursive: true });
				const file = join(at("odd"), name);
				copyFileSync(at("test.mp4"), file);
				const camera = await openCamera({ ...small, source: videoFile(file) }, ffmpeg);
				assert.equal((await camera.take(100, 0)).length, 50, name);
				await camera.close();
			}
		});
	});
}

describe("the ffmpeg process", { skip: process.platform === "linux" ? false : "looks into /proc" }, () => {
	it("is named when it does not run", async () => {
		writeFileSync(at("broken"), "#!/bin/sh\nexit 3\n");
		chmodSync(at("broken"), 0o755);
		await assert.rejects(
			openCamera({ ...small, source: videoFile(at("test.mp4")) }, at("broken")),
			/broken does not run/,
		);
		await assert.rejects(
			openCamera({ ...small, source: videoFile(at("test.mp4")) }, at("nowhere")),
			/nowhere does not run/,
		);
	});

	it("ends a take with an error when it is killed", async () => {
		const camera = await openCamera({ ...small, source: endless(at("test.mp4")) });
		await camera.take(1, 0);
		const [child] = childrenOf(process.pid);
		process.kill(child, "SIGKILL");
		await assert.rejects(async () => {
			while ((await camera.take(8, 1000)).length > 0);
		}, /stopped from outside \(SIGKILL\)/);
		await camera.close();
	});

	it("is gone after close, though it was blocked in a write", async () => {
		const camera = await openCamera({
			...small,
			width: 640,
			height: 480,
			source: { ...videoFile(at("test.mp4")), loop: true },
		});
		await eventually(() => camera.waiting >= 16);
		const [child] = childrenOf(process.pid);
		const start = performance.now();
		await camera.close();
		assert.ok(performance.now() - start < 900, "it took the signal, not the kill after a second");
		assert.equal(alive(child), false);
	});

	it("is killed when it ignores the request to end", async () => {
		writeFileSync(
			at("stubborn"),
			'#!/bin/sh\n[ "$1" = -version ] && echo ffmpeg version 5.1 && exit\ntrap "" TERM\nwhile :; do sleep 0.1; done\n',
		);
		chmodSync(at("stubborn"), 0o755);
		const camera = await openCamera({ ...small, source: videoFile(at("test.mp4")) }, at("stubborn"));
		const [child] = childrenOf(process.pid);
		await sleep(200);
		await camera.close();
		assert.equal(alive(child), false);
	});

	for (const [how, end] of [
		["exits", "process.exit(1)"],
		["is killed", "process.kill(process.pid, 'SIGKILL')"],
		["crashes", "setTimeout(() => { throw new Error('crash') })"],
	] as const) {
		it(`does not outlive a parent that ${how}`, async () => {
			const options = JSON.stringify({ ...small, source: endless(at("test.mp4")) });
			const script = `import { openCamera } from ${JSON.stringify(new URL("./camera.js", import.meta.url).href)};
				const camera = await openCamera(${options});
				await camera.take(1, 0);
				process.stdout.write("ready");
				process.stdin.once("data", () => { ${end}; });`;
			const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
				stdio: ["pipe", "pipe", "ignore"],
			});
			await new Promise((ready) => parent.stdout.once("data", ready));
			const [child] = childrenOf(parent.pid as number);
			assert.ok(child > 0);
			parent.stdin.write("now");
			await eventually(() => !alive(child), 2000);
		});
	}
});

// Of /proc, because a container need not have ps.
function childrenOf(pid: number): number[] {
	return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
	} catch {
		return false;
	}
}

describe("what ffmpeg is run with", () => {
	const options: CameraOptions = {
		source: videoFile("clips/road.mp4"),
		width: 224,
		height: 160,
		fit: "stretch",
	};
	const argumentsOf = (more: Partial<CameraOptions>) =>
		ffmpegArguments({ ...options, ...more }, ["-vsync", "0"]).join(" ");

	it("is this, for a file read without loss", () => {
		const text = argumentsOf({}).replace(resolve("."), "");
		assert.equal(
			text,
			"-hide_banner -nostdin -nostats -v level+info -protocol_whitelist file,pipe " +
				"-format_whitelist mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,mjpeg,h264,hevc,ivf " +
				"-i file:/clips/road.mp4 -an -sn -dn -vsync 0 " +
				"-vf scale=224:160:flags=bilinear+accurate_rnd+full_chroma_int,format=gbrp -pix_fmt gbrp -f rawvideo pipe:1",
		);
	});

	it("keeps the clip's pace, and repeats, before the input", () => {
		const text = argumentsOf({ source: endless("clips/road.mp4") });
		assert.ok(
			text.indexOf("-re -stream_loop -1") > 0 && text.indexOf("-re -stream_loop -1") < text.indexOf("-i file:"),
		);
	});

	it("hands on every frame, in the words this ffmpeg knows", async () => {
		for (const [, ffmpeg] of programs) {
			if (ffmpeg !== undefined) assert.equal((await passthrough(ffmpeg)).length, 2);
		}
	});
});
