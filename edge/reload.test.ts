import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, temporaryDirectory } from "../adapters/fixtures.js";
import { parse } from "../config/load.js";
import { openConsumed, starter } from "./fixtures.js";
import { restartKeys } from "./reload.js";

const folder = temporaryDirectory();
const start = starter(folder);
const TEST = 'source: "test:", fps: 10';

test("SIGHUP adds, removes and changes cameras, and the others notice nothing", async () => {
	const { url, consumer } = await openConsumed();
	const write = (cameras: string, rest = "") =>
		writeFileSync(join(folder, "cam.yaml"), `mqtt: { url: "${url}" }\nstore: ./store\n${rest}cameras:\n${cameras}`);
	write(`  steady: { ${TEST} }\n  gone: { ${TEST} }\n  turned: { ${TEST} }\n`);
	const { child, ended, err } = start("run", "cam.yaml");
	const said = (pattern: RegExp) =>
		eventually(() => pattern.test(err()), 20_000).catch((cause) => {
			throw new Error(err(), { cause });
		});
	const last = (camera: string) => consumer.on(camera, "status").at(-1);
	await eventually(() => ["steady", "gone", "turned"].every((camera) => last(camera) === "online"), 20_000);

	write(
		`  steady: { ${TEST} }\n  turned: { ${TEST}, rotate: 90 }\n  new: { ${TEST} }\n  off: { ${TEST}, enabled: false }\n`,
	);
	child.kill("SIGHUP");
	await said(/"added":\["new","off"\],"removed":\["gone"\],"changed":\["turned"\]/);
	await eventually(() => last("new") === "online" && last("turned") === "online", 20_000);
	assert.equal(last("gone"), "offline");
	assert.equal(last("off"), "disabled");
	assert.deepEqual(consumer.on("turned", "status"), ["online", "offline", "online"]);

	write(`  steady: { ${TEST} }\n  new: { sorce: "test:" }\n`);
	child.kill("SIGHUP");
	await said(/nothing changed: .*cam\.yaml:5:10 {2}cameras\.new: unrecognized key .*sorce/);

	write(`  steady: { ${TEST} }\n`, "threads: 1\nbatch: { patience: 50ms }\n");
	child.kill("SIGHUP");
	await said(/needs a restart: batch\.patience, threads/);
	await eventually(() => last("new") === "offline" && last("turned") === "offline");

	const frames = consumer.on("steady", "predictions").length;
	await eventually(() => consumer.on("steady", "predictions").length > frames + 5);
	assert.deepEqual(consumer.on("steady", "status"), ["online"]);
	const indices = consumer.on("steady", "predictions").map((payload) => JSON.parse(payload).frame);
	assert.deepEqual(
		indices,
		indices.map((_, i) => i),
	);
	for (const camera of ["steady", "turned"]) {
		const numbers = consumer.on(camera, "predictions").map((payload) => JSON.parse(payload).seq);
		assert.deepEqual(
			numbers,
			numbers.map((_, i) => i),
		);
	}
	child.kill("SIGTERM");
	const { code, out } = await ended;
	assert.equal(code, 0);
	const { cameras } = JSON.parse(out);
	assert.deepEqual(Object.keys(cameras), ["steady", "gone", "turned", "new"]);
	for (const { frames, predictions, dropped } of Object.values<{
		frames: number;
		predictions: number;
		dropped: number;
	}>(cameras))
		assert.equal(frames, predictions + dropped);
});

test("what needs a restart is named by its key, never with a value", () => {
	const configOf = (text: string) => {
		const parsed = parse(text, "cam.yaml", { env: {}, secretsDirectories: [] });
		assert.ok("config" in parsed);
		return parsed.config;
	};
	const now = configOf("cameras: { road: { source: a.mp4 } }");
	assert.deepEqual(restartKeys(now, configOf("cameras: { yard: { source: b.mp4 } }")), []);
	const next = configOf(
		"model: m\nmqtt: { url: mqtt://a, username: b, password: hunter2 }\nadapt: { rate: 1e-3, seed: 2 }\ncameras: { road: { source: a.mp4 } }",
	);
	assert.deepEqual(restartKeys(now, next).sort(), ["adapt.rate", "adapt.seed", "model", "mqtt"]);
	const other = { ...next, mqtt: { ...(next.mqtt as object), password: "hunter3" } } as typeof next;
	assert.deepEqual(restartKeys(next, other), ["mqtt.password"]);
});
