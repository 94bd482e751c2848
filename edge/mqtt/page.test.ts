import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { bundled } from "../paths.js";
import { page } from "./page.js";
import { problemOf } from "./payloads.contract.js";
import { topics } from "./topics.js";

test("docs/mqtt.md is what the messages' descriptions say", () => {
	const text = readFileSync(join(dirname(bundled.package), "docs/mqtt.md"), "utf8");
	assert.equal(text, page(), "docs/mqtt.md is stale: npm run build && npx acclimate schema --mqtt > docs/mqtt.md");
});

test("every example is what its topic's JSON Schema asks for", () => {
	for (const { topic, example, payload } of topics) {
		const text = typeof example === "string" ? example : JSON.stringify(example);
		const wire = topic.replace("<base>", "acclimate").replace("<camera>", "road").replace("<sensor>", "label");
		assert.equal(problemOf(wire.startsWith("homeassistant/") ? wire : `acclimate/${wire}`, text), undefined);
		assert.ok(payload.safeParse(example).success, topic);
	}
});

test("a payload that is not as described is noticed", () => {
	assert.match(problemOf("acclimate/available", "gone") ?? "", /allowed values/);
	assert.match(problemOf("acclimate/road/predictions", '{"schema":1}') ?? "", /required/);
	assert.match(problemOf("acclimate/road/elsewhere", "online") ?? "", /no topic of ours/);
});
