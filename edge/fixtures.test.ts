import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** A test file of one test, which publishes something at the tests' broker. */
const publishing = (topic: string, payload: string) => `
	import { test } from "node:test";
	import { connectAsync } from "mqtt";
	import { testBroker } from ${JSON.stringify(new URL("fixtures.js", import.meta.url).href)};
	test("publishes", async () => {
		const { url } = await testBroker()();
		const client = await connectAsync(url);
		await client.publishAsync(${JSON.stringify(topic)}, ${JSON.stringify(payload)}, { qos: 1 });
		await client.endAsync();
	});`;

test("a test at whose broker something is published that does not fit its JSON Schema fails, whatever else it looks at", () => {
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	const run = (topic: string, payload: string) => {
		const script = ["--input-type=module", "--eval", publishing(topic, payload)];
		return spawnSync(process.execPath, script, {
			cwd: new URL(".", import.meta.url),
			env,
			encoding: "utf8",
			timeout: 20_000,
		});
	};
	const well = run("acclimate/road/status", "online");
	assert.equal(well.status, 0, well.stdout + well.stderr);
	for (const [topic, payload] of [
		["acclimate/road/status", "gone"],
		["acclimate/road/elsewhere", "online"],
		["acclimate/road/gap", "{"],
	]) {
		const { status, stdout } = run(topic, payload);
		assert.equal(status, 1, `${topic} ${payload}`);
		assert.ok(stdout.includes(topic), stdout);
	}
});
