import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { eventually, makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import { starter } from "../fixtures.js";
import { sensorsOf } from "./discovery.js";
import { listener } from "./fixtures.js";

const folder = temporaryDirectory();
const start = starter(folder);
const listen = listener();

before(async () => {
	await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4");
});

const run = async (url: string, mqtt: string, cameras: readonly string[], more = "") => {
	const name = "cam.yaml";
	const listed = cameras.map((camera) => `  ${camera}: { source: clip.mp4 }\n`).join("");
	writeFileSync(join(folder, name), `mqtt: { url: "${url}", ${mqtt} }\ncameras:\n${listed}${more}`);
	const ended = await start("run", name).ended;
	assert.equal(ended.code, 0, ended.err);
};

describe("what a configuration chooses to be told", () => {
	it("is every fourth prediction in the compact form, with a seq that has no gap, over runs", async () => {
		const { broker, on } = await listen();
		const choice = "predictions: { form: compact, every: 4 }";
		await run(broker.url, choice, ["road"]);
		await run(broker.url, choice, ["road"]);
		const told = on("road/predictions").map((text) => JSON.parse(text));
		assert.deepEqual(
			told.map(({ seq }) => seq),
			Array.from({ length: 50 }, (_, i) => i),
		);
		assert.deepEqual(
			told.slice(0, 3).map(({ frame }) => frame),
			[0, 4, 8],
		);
		assert.ok(told.every(({ top, domain }) => top === undefined && domain === undefined));
	});

	it("is a device in Home Assistant for each camera, until the camera is gone", async () => {
		const { broker, kept, consumer } = await listen();
		const other = "homeassistant/sensor/acclimate/elsewhere_label/config";
		const [theirs] = sensorsOf("elsewhere", { base: "another/base", version: "1", model: "m" }).values();
		await consumer.publishAsync(other, JSON.stringify(theirs), { retain: true, qos: 1 });
		await run(broker.url, "discovery: homeassistant", ["road", "yard"]);
		const sensors = () =>
			[...kept].filter(([topic, text]) => topic.startsWith("homeassistant/") && text !== "").map(([topic]) => topic);
		const of = (camera: string) =>
			["adaptation", "domain", "label"].map((kind) => `homeassistant/sensor/acclimate/${camera}_${kind}/config`);
		await eventually(() => sensors().length === 7);
		assert.deepEqual(sensors().sort(), [other, ...of("road"), ...of("yard")].sort());
		const label = JSON.parse(kept.get("homeassistant/sensor/acclimate/yard_label/config") ?? "");
		assert.equal(label.state_topic, "acclimate/yard/predictions");
		assert.deepEqual(label.device.identifiers, ["acclimate_yard"]);
		assert.deepEqual(
			label.availability.map(({ topic }: { topic: string }) => topic),
			["acclimate/available", "acclimate/yard/status"],
		);
		await run(broker.url, "discovery: homeassistant", ["road"]);
		await eventually(() => sensors().length === 4);
		assert.deepEqual(sensors().sort(), [other, ...of("road")].sort());
	});
});

describe("what secures a connection", () => {
	const configured = (tls: string) =>
		writeFileSync(
			join(folder, "tls.yaml"),
			`mqtt: { url: "mqtts://127.0.0.1:9", tls: ${tls} }\ncameras: { road: { source: clip.mp4 } }\n`,
		);

	it("is one clear sentence when it is not there, or is something else", async () => {
		writeFileSync(join(folder, "no.pem"), "not a certificate\n");
		for (const [tls, sentence] of [
			["{ ca: gone.pem }", /gone\.pem does not exist/],
			["{ cert: no.pem, key: no.pem }", /no\.pem cannot be used/],
		] as const) {
			configured(tls);
			const checked = await start("check", "tls.yaml").ended;
			assert.equal(checked.code, 2);
			assert.match(checked.err, sentence);
			assert.match(checked.err, /tls\.yaml {2}mqtt\.tls: /);
			const ran = await start("run", "tls.yaml").ended;
			assert.equal(ran.code, 1);
			assert.match(ran.err, sentence);
			assert.doesNotMatch(ran.err, /\n\s+at /);
		}
	});
});
