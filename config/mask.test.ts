import assert from "node:assert/strict";
import { test } from "node:test";
import { masked, shown } from "./mask.js";
import { schema } from "./schema.js";

test("a URL loses its credentials and its query, also where it is not well-formed", () => {
	for (const [url, without] of [
		["mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:1883"],
		["mqtt://user:pass@host:1883", "mqtt://***@host:1883"],
		["mqtt://user:p@ss/w@rd@host", "mqtt://***@host"],
		["user:pass@host", "***@host"],
		["wss://host/mqtt?token=pass", "wss://host/mqtt?***"],
	]) {
		assert.equal(masked(url), without);
	}
});

test("a configuration is shown without its password, and the one in use keeps it", () => {
	const mqtt = { url: "mqtt://a:hunter2@host", username: "b", password: "hunter2" };
	const config = schema.parse({ mqtt, cameras: { road: { source: "clip.mp4" } } });
	assert.deepEqual(shown(config).mqtt, { ...config.mqtt, url: "mqtt://***@host", password: "***" });
	assert.equal(config.mqtt?.password, "hunter2");
});

test("a configuration is shown without the credentials of its cameras", () => {
	const cameras = { gate: { source: "rtsp://cam:hunter2@192.0.2.7/1" }, road: { source: "clip.mp4" } };
	assert.deepEqual(shown(schema.parse({ cameras })).cameras.gate.source, {
		kind: "stream",
		url: "rtsp://***@192.0.2.7/1",
		pace: "fast",
		verify: true,
	});
});

test("a configuration without a broker is shown as it is", () => {
	const config = schema.parse({ cameras: { road: { source: "clip.mp4" } } });
	assert.deepEqual(shown(config), config);
});
