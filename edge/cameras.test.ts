import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { before, test } from "node:test";
import { openBundle } from "../adapters/bundle.js";
import { systemFfmpeg } from "../adapters/ffmpeg.js";
import { eventually, makeClip, temporaryDirectory } from "../adapters/fixtures.js";
import { noRtspServer, openRtspServer } from "../adapters/rtspServer.js";
import { freePort, openConsumed, starter } from "./fixtures.js";
import { bundled } from "./paths.js";

const folder = temporaryDirectory();
const start = starter(folder);
const noFfmpeg = systemFfmpeg() === undefined && "no ffmpeg on the PATH";

before(async () => {
	await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4");
});

test("what befalls a camera is told and tried again, and another goes on as before", {
	skip: noRtspServer,
}, async () => {
	const { url, consumer } = await openConsumed();
	const port = await freePort();
	const locked = await openRtspServer("--user", "cam", "--password", "secret");
	writeFileSync(
		join(folder, "faults.yaml"),
		`mqtt: { url: "${url}" }
store: ./faults
cameras:
  steady: { source: "test:", fps: 10 }
  gate: { source: "rtsp://127.0.0.1:${port}/cam", fps: 10, stall: 3s }
  yard: { source: "rtsp://cam:hunter2@127.0.0.1:${locked.port}/cam" }
`,
	);
	const { child, ended, err } = start("run", "faults.yaml");
	const becomes = (camera: string, ...reasons: string[]) =>
		eventually(() => consumer.reasons(camera).join() === reasons.join(), 60_000).catch((error) => {
			throw new Error(`${camera}: ${consumer.reasons(camera).join()}\n${err()}`, { cause: error });
		});
	await becomes("steady", "");
	const from = Date.now();
	await becomes("gate", "refused");
	await becomes("yard", "auth");
	const server = await openRtspServer("--port", String(port));
	await becomes("gate", "refused", "");
	await server.stop();
	await eventually(() => consumer.reasons("gate").length > 2, 20_000);
	const again = await openRtspServer("--port", String(port));
	await eventually(() => consumer.reasons("gate").at(-1) === "", 60_000);
	again.pause();
	await eventually(() => consumer.reasons("gate").at(-1) === "timeout", 20_000);
	again.resume();
	await eventually(() => consumer.reasons("gate").at(-1) === "", 60_000);
	const rate = consumer.rate("steady", from, Date.now());
	assert.ok(Math.abs(rate - 10) < 1, `${rate} frames a second`);
	assert.deepEqual(consumer.on("steady", "status"), ["online"]);
	assert.deepEqual(consumer.on("yard", "status"), ["offline"]);
	assert.ok(JSON.parse(consumer.on("yard", "state").at(-1) ?? "").retries >= 2);
	child.kill("SIGTERM");
	assert.equal((await ended).code, 0);
	assert.doesNotMatch(err() + consumer.heard.map(({ payload }) => payload).join(), /hunter2/);
	assert.match(err(), /rtsp:\/\/\*\*\*@127\.0\.0\.1:\d+\/cam wants a user and a password, or other ones/);
});

test("an ffmpeg that hangs, exits at once, floods or sends half a frame is told of and replaced", {
	skip: noFfmpeg,
}, async () => {
	const { url, consumer } = await openConsumed();
	const { manifest } = await openBundle(bundled.model);
	const frame = 3 * manifest.input.width * manifest.input.height;
	mkdirSync(join(folder, "bin"));
	// The real one, but for sources that ask for something else.
	writeFileSync(
		join(folder, "bin", "ffmpeg"),
		`#!/bin/sh
case "$*" in
*rtsp://hangs*) head -c ${frame} /dev/zero; exec sleep 600 ;;
*rtsp://exits*) echo "[error] all is lost" >&2; exit 3 ;;
*rtsp://floods*) yes "[error] corrupt macroblock" >&2 & while head -c ${frame} /dev/zero; do sleep 0.2; done ;;
*rtsp://half*) head -c ${frame / 2} /dev/zero ;;
*) exec ${systemFfmpeg()} "$@" ;;
esac
`,
	);
	chmodSync(join(folder, "bin", "ffmpeg"), 0o755);
	const faulty = ["hangs", "exits", "floods", "half"];
	const cameras = faulty.map((name) => `  ${name}: { source: "rtsp://${name}/", stall: 1s }\n`).join("");
	const steady = '  steady: { source: "test:", fps: 10 }\n';
	writeFileSync(join(folder, "ffmpeg.yaml"), `mqtt: { url: "${url}" }\nstore: ./ffmpeg\ncameras:\n${cameras}${steady}`);
	const misled = starter(folder, { PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` });
	const { child, ended, err } = misled("run", "ffmpeg.yaml");
	await eventually(() => consumer.on("steady", "predictions").length > 0, 20_000);
	const from = Date.now();
	const retriesOf = (camera: string) => JSON.parse(consumer.on(camera, "state").at(-1) ?? "{}").retries ?? 0;
	await eventually(() => retriesOf("exits") >= 2 && retriesOf("half") >= 2, 20_000);
	await eventually(() => consumer.reasons("hangs").join().startsWith(",timeout,,timeout"), 20_000);
	await eventually(() => consumer.on("floods", "predictions").length >= 20, 20_000);
	assert.deepEqual(consumer.reasons("exits"), ["unreadable"]);
	assert.deepEqual(consumer.reasons("half"), ["unreadable"]);
	assert.deepEqual(consumer.on("floods", "status"), ["online"]);
	const rate = consumer.rate("steady", from, Date.now());
	assert.ok(Math.abs(rate - 10) < 1, `${rate} frames a second`);
	child.kill("SIGTERM");
	assert.equal((await ended).code, 0, err());
});

test("regions are predicted each by itself and named in the messages", async () => {
	const { url, consumer } = await openConsumed();
	const regions = "regions: { left: [0, 0, 80, 120], right: [80, 0, 80, 120] }";
	const text = `mqtt: { url: "${url}" }\nstore: ./regions\ncameras: { road: { source: clip.mp4, ${regions} } }\n`;
	writeFileSync(join(folder, "regions.yaml"), text);
	const { code, err } = await start("run", "regions.yaml").ended;
	assert.equal(code, 0, err);
	const predictions = consumer.on("road", "predictions").map((payload) => JSON.parse(payload));
	assert.equal(predictions.length, 200);
	for (const [i, { region, frame }] of predictions.entries()) {
		assert.equal(region, i % 2 === 0 ? "left" : "right");
		assert.equal(frame, Math.floor(i / 2));
	}
});

test("cameras under load share the model evenly; neither a slow one nor a dead one holds them up", async () => {
	const fast = "source: { file: clip.mp4, loop: true }";
	const cameras = ["a", "b", "c", "d"].map((name) => `  ${name}: { ${fast} }\n`).join("");
	const slow = '  slow: { source: "test:", fps: 2 }\n  dead: { source: "rtsp://127.0.0.1:9/cam" }\n';
	writeFileSync(join(folder, "load.yaml"), `store: ./load\ncameras:\n${cameras}${slow}`);
	const { child, ended, err } = start("run", "load.yaml", "--json");
	await eventually(() => /refuses the connection/.test(err()), 20_000);
	await new Promise((done) => setTimeout(done, 6_000));
	child.kill("SIGTERM");
	const { code, out } = await ended;
	assert.equal(code, 0, err());
	const { a, b, c, d, slow: seldom, dead } = JSON.parse(out).cameras;
	const counts = [a, b, c, d].map(({ predictions }) => predictions);
	const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
	for (const count of counts) assert.ok(Math.abs(count / mean - 1) < 0.15, `${counts}`);
	assert.ok(seldom.predictions >= 6 && seldom.dropped === 0, `${seldom.predictions} of the slow one`);
	assert.equal(dead.predictions, 0);
});

test("check tries all cameras side by side, gives none longer than its stall, and shows no password", async () => {
	const silent = createServer(() => {}).listen(0, "127.0.0.1");
	await once(silent, "listening");
	const { port } = silent.address() as AddressInfo;
	const address = `rtsp://cam:hunter2@127.0.0.1:${port}/cam`;
	const silents = [1, 2, 3, 4].map((i) => `  silent${i}: { source: "${address}", stall: 2s }\n`).join("");
	const others = '  refused: { source: "rtsp://127.0.0.1:9/cam" }\n  good: { source: "test:" }\n';
	writeFileSync(join(folder, "check.yaml"), `cameras:\n${silents}${others}`);
	const { code, err, seconds } = await start("check", "check.yaml").ended;
	silent.close();
	assert.equal(code, 2);
	assert.deepEqual(
		err.trimEnd().split("\n"),
		[
			...[1, 2, 3, 4].map((i) => `silent${i}: rtsp://***@127.0.0.1:${port}/cam has sent no frame for 2 s`),
			"refused: rtsp://127.0.0.1:9/cam refuses the connection: nothing listens there",
		].map((line) => `check.yaml  cameras.${line}`),
	);
	assert.ok(seconds < 8, `${seconds} s`);
});
