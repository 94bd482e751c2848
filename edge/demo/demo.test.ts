import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("../main.js", import.meta.url));

test("the demo gains in fog, night and noise, loses nothing when it is clear, and knows its four domains again", async () => {
	const { stdout } = await promisify(execFile)(process.execPath, [main, "demo", "--json"]);
	const { means, stretches, adapting } = JSON.parse(stdout);
	assert.ok(means.disturbed.adapting > means.disturbed.frozen + 30, JSON.stringify(means));
	assert.ok(means.clear.adapting > means.clear.frozen - 0.5, JSON.stringify(means));
	assert.equal(adapting.domains, 4);
	assert.ok(adapting.steps > 0);
	const domains = (weather: string) =>
		new Set(
			stretches.filter((s: { weather: string }) => s.weather === weather).map((s: { domain: string }) => s.domain),
		);
	for (const weather of ["clear", "fog", "night"]) assert.equal(domains(weather).size, 1, weather);
});

test("a bundled model that does not exist is a mistake, said in one sentence", () => {
	for (const command of ["demo", "bench"]) {
		const { status, stderr } = spawnSync(process.execPath, [main, command, "--model", "rnn"], { encoding: "utf8" });
		assert.equal(stderr, "--model: expected vit or cnn, got rnn\n");
		assert.equal(status, 2);
	}
});
