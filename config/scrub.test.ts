import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./load.js";
import { keepSecret, scrubbed } from "./scrub.js";

test("what a configuration keeps secret is taken out of any text, also after another has been loaded", () => {
	const env = { ACCLIMATE_A: 'from "the" env', ACCLIMATE_B: "in-a-path" };
	for (const mqtt of [
		`{ url: "mqtt://a:urlpass%2F1@host", username: b, password: plain-password }`,
		`{ url: "wss://host/mqtt?token=tokenvalue&x=visible", username: b, password: "{ACCLIMATE_A}" }`,
		`{ url: "wss://host/{ACCLIMATE_B}" }`,
	]) {
		const text = `cameras: { road: { source: clip.mp4 } }\nmqtt: ${mqtt}`;
		assert.ok("config" in parse(text, "cam.yaml", { env, secretsDirectories: [] }));
	}
	const said = JSON.stringify({
		error: 'urlpass/1 urlpass%2F1 plain-password tokenvalue from "the" env in-a-path visible',
	});
	assert.equal(scrubbed(said), '{"error":"*** *** *** *** *** *** visible"}');
});

test("what stands before the @ of a URL goes, known or not", () => {
	assert.equal(
		scrubbed(`[rtsp @ 0x1] rtsp://admin:never%20seen@10.0.0.1:554/1: 401; "mqtt://x@y" a@b.c`),
		`[rtsp @ 0x1] rtsp://***@10.0.0.1:554/1: 401; "mqtt://***@y" a@b.c`,
	);
	assert.equal(scrubbed("https://host/path?x=1"), "https://host/path?x=1");
});

test("a secret that is part of another leaves nothing of it behind, and a very short one is no pattern", () => {
	for (const secret of ["inner-part", "the-inner-part-more", "ab"]) keepSecret(secret);
	assert.equal(scrubbed("the-inner-part-more, inner-part, about"), "***, ***, about");
});
