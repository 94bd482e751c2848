import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explain, hardwareFailed, judge, type Told } from "./faults.js";
import { type Source, videoFile } from "./source.js";

const road: Told = { source: videoFile("road.mp4") };
const looped: Told = { source: { ...videoFile("road.mp4"), loop: true } };
const url = "rtsp://cam:hunter2@127.0.0.1:8554/cam";
const stream = (address: string): Source => ({ kind: "stream", url: address, pace: "fast", verify: true });
const camera: Told = { source: stream(url) };

describe("what is said about ffmpeg's end", () => {
	const ending = { code: 0, signal: null, lines: [], delivered: 9, rest: 0 };
	const errorOf = (...given: Parameters<typeof judge>) => {
		const { error } = judge(...given);
		return error && [error.reason, error.message];
	};

	it("is nothing when all went well", () => {
		assert.deepEqual(judge(road, ending), {});
	});

	it("is a warning after frames, an error without", () => {
		const lines = ["[h264 @ 0x1] [error] partial file"];
		assert.deepEqual(judge(road, { ...ending, lines }), {
			warning: "road.mp4 looks damaged: 9 frames could be read (partial file)",
		});
		assert.deepEqual(judge(road, { ...ending, rest: 5 }), {
			warning: "road.mp4 looks damaged: 9 frames and a part of one could be read (it ends in mid-frame)",
		});
		assert.deepEqual(errorOf(road, { ...ending, delivered: 0 }), ["unreadable", "road.mp4 has no pictures in it"]);
	});

	it("is an error where the source should have gone on, or a signal ended it", () => {
		assert.deepEqual(errorOf(looped, ending), ["ended", "road.mp4 has ended"]);
		assert.deepEqual(errorOf(camera, ending), ["ended", "rtsp://***@127.0.0.1:8554/cam has ended"]);
		const reset = [`[error] ${url}: Connection timed out`];
		assert.deepEqual(errorOf(camera, { ...ending, lines: reset }), [
			"timeout",
			"rtsp://***@127.0.0.1:8554/cam does not answer",
		]);
		assert.match(judge(road, { ...ending, code: null, signal: "SIGKILL" }).error?.message ?? "", /SIGKILL/);
		assert.deepEqual(errorOf(road, { ...ending, code: null, signal: "SIGSEGV" }), [
			"unreadable",
			"road.mp4: ffmpeg crashed (SIGSEGV)",
		]);
		const lines = ["[info] Exiting normally, received signal 15."];
		assert.match(judge(road, { ...ending, code: 255, lines }).error?.message ?? "", /stopped from outside/);
	});
});

describe("why a file gives no picture", () => {
	for (const [line, sentence] of [
		["[mov @ 0x1] [error] moov atom not found", /moov/],
		["[error] Output file #0 does not contain any stream", /^road.mp4 has no video in it$/],
		["[tty @ 0x1] [error] Format not on whitelist 'mov'", /video formats/],
		["[error] Decoder (codec av1) not found for input stream #0:0", /cannot decode/],
		["[fatal] something new", /^road.mp4 cannot be read: something new$/],
		["[info] nothing", /did not say why/],
	] as const) {
		it(`is a plain sentence for: ${line}`, () => assert.match(explain(road, [line]).message, sentence));
	}
});

// What ffmpeg 5.1 and the one of 2018 said of real servers, sockets and devices.
describe("why a camera gives no picture", () => {
	for (const [reason, address, ...lines] of [
		[
			"auth",
			url,
			"[rtsp @ 0x5585bc25e9c0] [error] method DESCRIBE failed: 401 Unauthorized",
			`[error] ${url}: Server returned 401 Unauthorized (authorization failed)`,
		],
		[
			"auth",
			"http://a/403",
			"[http @ 0x5623314f3380] [warning] HTTP error 403 Forbidden",
			"[error] http://a/403: Server returned 403 Forbidden (access denied)",
		],
		[
			"not-found",
			"rtsp://127.0.0.1:8554/nothing",
			"[rtsp @ 0x1f64cd00] [error] method DESCRIBE failed: 404 Not Found",
			"[error] rtsp://127.0.0.1:8554/nothing: Server returned 404 Not Found",
		],
		[
			"refused",
			"rtsp://127.0.0.1:9/cam",
			"[tcp @ 0x55da1a3545c0] [error] Connection to tcp://127.0.0.1:9?timeout=0 failed: Connection refused",
			"[error] rtsp://127.0.0.1:9/cam: Connection refused",
		],
		[
			"unreachable",
			"rtsp://no.such.host.invalid/cam",
			"[tcp @ 0x561ff70e15c0] [error] Failed to resolve hostname no.such.host.invalid: Name or service not known",
			"[error] rtsp://no.such.host.invalid/cam: Input/output error",
		],
		[
			"tls",
			"rtsps://127.0.0.1:8554/cam",
			"[tls @ 0x1c31ad40] [error] An unexpected TLS packet was received.",
			"[error] rtsps://127.0.0.1:8554/cam: Input/output error",
		],
		[
			"tls",
			"https://127.0.0.1:18443/clip.mp4",
			"[tls @ 0x55ada63e6280] [error] Peer certificate failed verification",
			"[error] https://127.0.0.1:18443/clip.mp4: Input/output error",
		],
		[
			"timeout",
			"rtsp://192.0.2.1/cam",
			"[tcp @ 0x561ff70e15c0] [error] Connection to tcp://192.0.2.1:554?timeout=0 failed: Connection timed out",
			"[error] rtsp://192.0.2.1/cam: Connection timed out",
		],
		["unreadable", "http://a/500", "[error] http://a/500: Server returned 5XX Server Error reply"],
		["unreadable", "http://a/html", "[error] http://a/html: Invalid data found when processing input"],
	] as const) {
		it(`is ${reason} for: ${lines[0]}`, () => {
			const error = explain({ source: stream(address) }, lines);
			assert.equal(error.reason, reason);
			assert.equal(error.code, "camera");
			assert.doesNotMatch(error.message, /hunter2|did not say why/);
		});
	}

	for (const [reason, device, ...lines] of [
		[
			"not-found",
			"/dev/video0",
			"[video4linux2,v4l2 @ 0x56199b65e9c0] [error] Cannot open video device /dev/video0: No such file or directory",
			"[error] /dev/video0: No such file or directory",
		],
		[
			"unreadable",
			"/dev/null",
			"[video4linux2,v4l2 @ 0x561c81f1e9c0] [error] ioctl(VIDIOC_QUERYCAP): Inappropriate ioctl for device",
			"[error] /dev/null: Inappropriate ioctl for device",
		],
	] as const) {
		it(`is ${reason} for: ${lines[0]}`, () =>
			assert.equal(explain({ source: { kind: "device", device } }, lines).reason, reason));
	}

	it("never shows a password, also where the sentence is ffmpeg's own", () => {
		const lines = [`[rtsp @ 0x1] [error] something about ${url} went wrong`];
		assert.equal(
			explain(camera, lines).message,
			"rtsp://***@127.0.0.1:8554/cam cannot be read: something about rtsp://***@127.0.0.1:8554/cam went wrong",
		);
	});
});

describe("a region that sticks out", () => {
	const lines = [
		"[info]   Stream #0:0: Video: h264 (High), yuv420p(progressive), 64x48 [SAR 1:1 DAR 4:3], 10 fps",
		"[Parsed_crop_0 @ 0x1] [error] Invalid too big or non positive size for width '0' or height '9'",
	];

	it("is named, one of several too", () => {
		assert.equal(
			explain({ ...road, regions: { left: [0, 0, 9, 9], right: [60, 0, 9, 9] } }, lines).message,
			"road.mp4: region right [60, 0, 9, 9] reaches outside the picture of 64×48",
		);
	});

	it("is measured on the picture after its rotation", () => {
		assert.equal(
			explain({ ...road, rotate: 90, region: [0, 0, 60, 9] }, lines).message,
			"road.mp4: region [0, 0, 60, 9] reaches outside the picture of 48×64",
		);
	});
});

describe("hardware that cannot decode", () => {
	for (const line of [
		"[error] Device creation failed: -542398533.",
		"[h264 @ 0x55c8af247ec0] [error] No device available for decoder: device type cuda needed for codec h264.",
		"[fatal] Unrecognized hwaccel: drm.",
	]) {
		it(`is told by: ${line}`, () => assert.ok(hardwareFailed([line])));
	}

	it("is no damage to a file that could be read without it", () => {
		const lines = ["[error] No VA display found for device: .", "[info] Output #0, rawvideo, to 'pipe:1':"];
		const ending = { code: 0, signal: null, lines, delivered: 25, rest: 0 };
		assert.deepEqual(judge({ ...road, hwaccel: "auto" }, ending), {});
		const damaged = { ...ending, lines: [...lines, "[h264 @ 0x1] [error] partial file"] };
		assert.match(judge({ ...road, hwaccel: "auto" }, damaged).warning ?? "", /partial file/);
	});

	it("is not suspected of a wrong password", () => {
		assert.equal(hardwareFailed([`[error] ${url}: Server returned 401 Unauthorized (authorization failed)`]), false);
	});
});
