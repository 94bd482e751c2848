import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { eventually, makeClip, temporaryDirectory } from "../adapters/fixtures.js";
import { freePort, starter } from "./fixtures.js";

const folder = temporaryDirectory();
const start = starter(folder, { ACCLIMATE_LOGTEST: "secret-of-the-env" });

before(() =>
	makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=1").then(() => {}),
);

const run = async (rest: string, ...args: string[]) => {
	const file = join(folder, "cam.yaml");
	writeFileSync(file, `cameras: { road: { source: clip.mp4 } }\n${rest}`);
	return start("run", file, ...args).ended;
};

const lines = (err: string) =>
	err
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));

test("a line of the log says which part of the program it is from", async () => {
	const { code, err } = await run('mqtt: { url: "mqtt://127.0.0.1:9" }');
	assert.equal(code, 0, err);
	const all = lines(err);
	assert.ok(all.some(({ module, msg }) => module === "broker" && msg === "broker: lost"));
});

test("a module may have a level of its own, louder or quieter than the rest", async () => {
	const broker = 'mqtt: { url: "mqtt://127.0.0.1:9" }\n';
	const quiet = await run(`${broker}log: { modules: { broker: silent } }`);
	assert.doesNotMatch(quiet.err, /"module":"broker"/);
	const loud = await run(`${broker}log: { level: silent, modules: { camera: trace } }`);
	assert.ok(lines(loud.err).length > 0);
	assert.ok(lines(loud.err).every(({ module }) => module === "camera"));
});

test("a person may have lines that are no JSON", async () => {
	const { err } = await run('mqtt: { url: "mqtt://127.0.0.1:9" }\nlog: { format: pretty }');
	assert.match(err, /^\[\d\d:\d\d:\d\d\.\d+\] WARN: broker: lost$/m);
	assert.doesNotMatch(err, /^\{/m);
	assert.ok(!err.includes("\u001b"), "no colours where no terminal is");
});

test("with trace, nothing that is printed holds a secret", async () => {
	const port = await freePort();
	for (const format of ["json", "pretty"]) {
		const mqtt = `mqtt: { url: "mqtt://someone:secret-in-url@127.0.0.1:9/?password=secret-in-query", username: x, password: "{ACCLIMATE_LOGTEST}" }`;
		const http = `http: { listen: "127.0.0.1:${port}" }`;
		const { code, out, err } = await run(`${mqtt}\n${http}\nlog: { level: trace, format: ${format} }`);
		assert.equal(code, 0, err);
		assert.match(err, /round/, "trace is on");
		assert.doesNotMatch(out + err, /secret-/);
	}
});

test("a password of digits leaves the numbers of the log alone", async () => {
	const year = String(Date.now()).slice(0, 4);
	const { err } = await run(`mqtt: { url: "mqtt://127.0.0.1:9/${year}", username: x, password: "${year}" }`);
	assert.ok(lines(err).every(({ time }) => String(time).startsWith(year)));
	assert.doesNotMatch(err, new RegExp(`"[^"]*9/${year}[^"]*"`));
});

test("with trace, nothing that is printed holds a camera's password, whoever says it", async () => {
	const port = await freePort();
	const file = join(folder, "camera.yaml");
	writeFileSync(
		file,
		`cameras:
  gate: { source: "rtsp://someone:secret-of-camera@127.0.0.1:${port}/1" }
  yard: { source: "rtsp://{ACCLIMATE_LOGTEST}@127.0.0.1:${port}/{ACCLIMATE_LOGTEST}" }
log: { level: trace }
`,
	);
	const { child, ended, err } = start("run", file);
	await eventually(() => /"camera":"gate"/.test(err()) && /"camera":"yard"/.test(err()), 20_000);
	child.kill("SIGTERM");
	const { code, out } = await ended;
	assert.equal(code, 0);
	assert.doesNotMatch(out + err(), /secret-/);
	assert.match(err(), /rtsp:\/\/\*\*\*@127\.0\.0\.1/);
	const checked = await start("check", file, "--json").ended;
	assert.doesNotMatch(checked.out + checked.err, /secret-/);
});

test("what ends the program is said without a secret too", async () => {
	const wrong = await run('log: { level: "{ACCLIMATE_LOGTEST}" }');
	assert.equal(wrong.code, 2);
	assert.doesNotMatch(wrong.err, /secret-/);
});
