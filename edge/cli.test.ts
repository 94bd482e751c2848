import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connectAsync } from "mqtt";
import { eventually, makeClip, sharedFile, temporaryDirectory } from "../adapters/fixtures.js";
import { type Ended, freePort, main, starter, testBroker } from "./fixtures.js";
import { openJudge } from "./mqtt/payloads.contract.js";

const folder = temporaryDirectory();
let clip = "";

before(async () => {
	// 100 frames of moving colours; enough for a window of 64 and a rest.
	clip = await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4");
});

const start = starter(folder);
const acclimate = (...args: string[]) => start(...args).ended;

let files = 0;
/** A configuration file with a store of its own. */
const configured = (source: string, rest = ""): string => {
	const name = join(folder, `cam-${++files}.yaml`);
	writeFileSync(name, `store: ./store-${files}\ncameras:\n  road: { source: ${source} }\n${rest}`);
	return name;
};

const summaryOf = ({ out }: Ended) => JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");

test("the version and help with examples are printed", async () => {
	const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
	assert.equal((await acclimate("--version")).out.trim(), version);
	const help = await acclimate("--help");
	assert.equal(help.code, 0);
	assert.match(help.out, /acclimate run cam\.yaml/);
	assert.equal((await acclimate("run")).code, 2);
	assert.equal((await acclimate("runn", "x")).code, 2);
});

test("the built command may be executed, as npx does by a link that outlives a build", () => {
	assert.equal(statSync(main).mode & 0o111, 0o111);
});

test("without a broker predictions go to stdout as JSON lines, the summary last", async () => {
	const ended = await acclimate("run", configured("clip.mp4"));
	assert.equal(ended.code, 0, ended.err);
	const texts = ended.out.trimEnd().split("\n");
	const { judge, problems } = openJudge();
	for (const text of texts.slice(0, -1)) judge("acclimate/road/predictions", text);
	assert.deepEqual(problems, []);
	const lines = texts.map((line) => JSON.parse(line));
	const { seconds, cameras } = lines.pop();
	assert.equal(lines.length, 100);
	assert.deepEqual(
		lines.map(({ seq }) => seq),
		lines.map((_, i) => i),
	);
	assert.ok(lines.every(({ camera, top }) => camera === "road" && top.length === 3));
	assert.ok(seconds > 0);
	const { frames, predictions, dropped } = cameras.road;
	assert.deepEqual({ frames, predictions, dropped }, { frames: 100, predictions: 100, dropped: 0 });
	assert.deepEqual(Object.keys(cameras.road), [
		"frames",
		"predictions",
		"dropped",
		"failed",
		"steps",
		"domainChanges",
		"domains",
	]);
});

test("--json leaves nothing on stdout but the summary", async () => {
	const ended = await acclimate("run", configured("clip.mp4"), "--json");
	assert.equal(ended.out.trimEnd().split("\n").length, 1);
	assert.equal(summaryOf(ended).cameras.road.predictions, 100);
});

test("a broker's consumer sees availability, status, domain, adaptation and every prediction in order", async () => {
	const broker = await testBroker()({ base: "site" });
	const consumer = await connectAsync(broker.url);
	const seen: { topic: string; payload: string; retain: boolean; qos: number }[] = [];
	consumer.on("message", (topic, payload, { retain, qos }) => {
		seen.push({ topic, payload: String(payload), retain, qos });
	});
	await consumer.subscribeAsync("site/#", { qos: 1 });
	const ended = await acclimate("run", configured("clip.mp4", `mqtt: { url: "${broker.url}", topic: site }\n`));
	assert.equal(ended.code, 0, ended.err);
	const on = (topic: string) => seen.filter((message) => message.topic === `site/${topic}`);
	assert.deepEqual(
		on("available").map(({ payload }) => payload),
		["online", "stopped"],
	);
	assert.deepEqual(
		on("road/status").map(({ payload }) => payload),
		["online", "offline"],
	);
	const predictions = on("road/predictions");
	assert.deepEqual(
		predictions.map(({ payload }) => JSON.parse(payload).seq),
		Array.from({ length: 100 }, (_, i) => i),
	);
	assert.ok(predictions.every(({ qos }) => qos === 1));
	assert.ok(on("road/adaptation").length > 0 && on("road/domain").length > 0);
	const late = await connectAsync(broker.url);
	const retained: string[] = [];
	late.on("message", (topic, _payload, { retain }) => void (retain && retained.push(topic)));
	await late.subscribeAsync("site/#", { qos: 1 });
	const cameras = ["road/adaptation", "road/domain", "road/state", "road/status"];
	const topics = ["available", "bridge/health", "bridge/info", ...cameras];
	await eventually(() => retained.length === topics.length);
	assert.deepEqual(
		retained.sort(),
		topics.map((topic) => `site/${topic}`),
	);
	await Promise.all([consumer.endAsync(), late.endAsync()]);
});

test("a source that cannot be read is one clear sentence, never a stack trace, never a hang", async () => {
	writeFileSync(join(folder, "empty.mp4"), "");
	writeFileSync(join(folder, "notes.txt"), "not a video\n".repeat(200));
	mkdirSync(join(folder, "directory.mp4"), { recursive: true });
	for (const [source, sentence] of [
		["missing.mp4", /missing\.mp4 does not exist/],
		["empty.mp4", /empty\.mp4 is empty/],
		["notes.txt", /notes\.txt is not/],
		["directory.mp4", /directory\.mp4 is a folder without pictures/],
	] as const) {
		const ended = await acclimate("run", configured(source), "--json");
		assert.equal(ended.code, 1, `${source}: ${ended.err}`);
		assert.match(ended.err, sentence);
		assert.doesNotMatch(ended.err, /\n\s+at /);
		assert.equal(summaryOf(ended).cameras.road.predictions, 0);
		assert.ok(ended.seconds < 20);
	}
});

test("a clip cut at half its bytes gives a sentence or the frames that exist", async () => {
	const half = join(folder, "half.mp4");
	copyFileSync(clip, half);
	truncateSync(half, Math.floor(statSync(clip).size / 2));
	const ended = await acclimate("run", configured("half.mp4"), "--json");
	assert.ok(summaryOf(ended).cameras.road.predictions > 0 || /half\.mp4 is no video/.test(ended.err), ended.err);
	assert.doesNotMatch(ended.err, /\n\s+at /);
});

test("mistakes in the configuration are all named, with exit code 2", async () => {
	const file = join(folder, "wrong.yaml");
	writeFileSync(file, "cameras:\n  road: { source: clip.mp4 }\nadapt: { methd: zoa }\nbatch: { frames: 0 }\n");
	for (const command of ["check", "run"]) {
		const { code, err } = await acclimate(command, file);
		assert.equal(code, 2);
		assert.match(err, /wrong\.yaml:3:10 {2}adapt: .*"methd".*"method"/);
		assert.match(err, /wrong\.yaml:4:18 {2}batch\.frames: expected a whole number/);
	}
	assert.equal((await acclimate("check", configured("clip.mp4"))).code, 0);
});

test("a broker that is away does not keep a clip from being watched, and what is kept for it is logged", async () => {
	const { code, out, err } = await acclimate("run", configured("clip.mp4", 'mqtt: { url: "mqtt://127.0.0.1:9" }\n'));
	assert.equal(code, 0, err);
	assert.equal(JSON.parse(out).cameras.road.predictions, 100);
	assert.match(err, /"waiting":1\d\d.*messages are kept for the next run/);
});

test("SIGTERM ends the daemon with 0 within 5 s though the broker answers nothing", async () => {
	const silent = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
	after(() => silent.close());
	await once(silent, "listening");
	const { port } = silent.address() as AddressInfo;
	const endless = "{ file: clip.mp4, loop: true, pace: realtime }";
	const { child, ended, err } = start("run", configured(endless, `mqtt: { url: "mqtt://127.0.0.1:${port}" }\n`));
	await new Promise((done) => setTimeout(done, 3_000));
	const told = performance.now();
	child.kill("SIGTERM");
	const { code, out } = await ended;
	assert.equal(code, 0, err());
	assert.ok(performance.now() - told < 5_000);
	assert.ok(JSON.parse(out).cameras.road.predictions > 0);
});

test("a reader that goes away ends the run in good order", async () => {
	const { child, ended } = start("run", configured("{ file: clip.mp4, loop: true }"));
	child.stdout?.once("data", () => child.stdout?.destroy());
	assert.equal((await ended).code, 0);
});

test("check tries what the configuration names", async () => {
	const { code, err } = await acclimate("check", configured("clip.mp4, region: [100, 0, 100, 100]"));
	assert.equal(code, 2);
	assert.match(err, /cameras\.road: .*region \[100, 0, 100, 100\] reaches outside the picture of 160×120/);
	assert.match((await acclimate("check", configured("gone.mp4"))).err, /cameras\.road: .*gone\.mp4 does not exist/);
});

test("after kill -9 the bank and the camera's knowledge are taken up again", async () => {
	const scenes = "testsrc=size=160x120:rate=25:duration=4";
	const changing = `${scenes}[day];${scenes},lutrgb=r=val/6:g=val/6:b=val/6[night];[day][night]concat`;
	await makeClip(join(folder, "changing.mp4"), "-f", "lavfi", "-i", scenes, "-filter_complex", changing);
	const file = configured("{ file: changing.mp4, loop: true }", "adapt: { checkpoint: 1 }\n");
	const store = join(folder, `store-${files}`);
	const first = start("run", file, "--json");
	const listed = () =>
		JSON.parse(
			spawnSync(process.execPath, [main, "domains", "list", "--store", store, "--json"]).stdout.toString() || "[]",
		);
	await eventually(() => listed().length > 0, 30_000);
	first.child.kill("SIGKILL");
	await first.ended;
	const kept = listed();
	assert.ok(kept.length > 0);
	const second = start("run", file, "--json");
	await eventually(() => second.err().includes("knowledge taken up again"), 20_000);
	second.child.kill("SIGINT");
	assert.equal((await second.ended).code, 0);
});

test("377 frames of a real road come through a real broker, in order and without a gap", async (t) => {
	const road = sharedFile("intel_car-detection.mp4");
	const mosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;
	if (!road || !mosquitto) return t.skip(road ? "mosquitto is not installed" : "the shared clips are not here");
	const port = await freePort();
	const broker = spawn("mosquitto", ["-p", String(port)], { stdio: "ignore" });
	after(() => void broker.kill());
	await new Promise((done) => setTimeout(done, 500));
	const url = `mqtt://127.0.0.1:${port}`;
	const consumer = await connectAsync(url);
	const sequence: number[] = [];
	const { judge, problems } = openJudge();
	consumer.on("message", (topic, payload, { qos }) => {
		judge(topic, String(payload));
		if (topic === "acclimate/road/predictions" && qos === 1) sequence.push(JSON.parse(String(payload)).seq);
	});
	await consumer.subscribeAsync("acclimate/#", { qos: 1 });
	const ended = await acclimate("run", configured(road, `mqtt: { url: "${url}" }\n`));
	assert.equal(ended.code, 0, ended.err);
	const { frames, predictions, dropped } = summaryOf(ended).cameras.road;
	assert.deepEqual({ frames, predictions, dropped }, { frames: 377, predictions: 377, dropped: 0 });
	await eventually(() => sequence.length === 377);
	assert.deepEqual(
		sequence,
		Array.from({ length: 377 }, (_, i) => i),
	);
	assert.deepEqual(problems, []);
	await consumer.endAsync();
	broker.kill();
});
