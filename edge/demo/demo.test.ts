import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { connectAsync } from "mqtt";
import { eventually, temporaryDirectory } from "../../adapters/fixtures.js";
import { Consumer, main, starter } from "../fixtures.js";
import { openJudge } from "../mqtt/payloads.contract.js";

const folder = temporaryDirectory();
const start = starter(folder, { TMPDIR: folder });

/** A consumer of all that is published at the demo's own broker, whose address stands in the configuration that it writes. */
const openListening = async () => {
	let url: string | undefined;
	await eventually(() => {
		const file = readdirSync(folder, { encoding: "utf8", recursive: true }).find((name) =>
			name.endsWith("frozen.yaml"),
		);
		url = file && /mqtt:\/\/[^"]+/.exec(readFileSync(join(folder, file), "utf8"))?.[0];
		return url !== undefined;
	}, 10_000);
	const client = await connectAsync(String(url), { reconnectPeriod: 0 });
	after(() => client.endAsync(true));
	const { judge, problems } = openJudge();
	client.on("message", (topic, payload) => judge(topic, String(payload)));
	const consumer = new Consumer(client);
	await client.subscribeAsync("#", { qos: 1 });
	return { consumer, problems };
};

test("the demo gains in fog, night and noise, loses nothing when it is clear, knows its four domains again and tells MQTT what its schemas say", async () => {
	const { ended } = start("demo", "--json");
	const { consumer, problems } = await openListening();
	const { code, out, err } = await ended;
	assert.equal(code, 0, err);
	const { means, stretches, adapting } = JSON.parse(out);
	assert.ok(means.disturbed.adapting > means.disturbed.frozen + 30, JSON.stringify(means));
	assert.ok(means.clear.adapting > means.clear.frozen - 0.5, JSON.stringify(means));
	assert.equal(adapting.domains, 4);
	assert.ok(adapting.steps > 0);
	const domains = (weather: string) =>
		new Set(
			stretches.filter((s: { weather: string }) => s.weather === weather).map((s: { domain: string }) => s.domain),
		);
	for (const weather of ["clear", "fog", "night"]) assert.equal(domains(weather).size, 1, weather);
	for (const camera of ["frozen", "adapting"]) assert.ok(consumer.on(camera, "predictions").length > 0, camera);
	assert.deepEqual(problems, []);
});

test("a bundled model that does not exist is a mistake, said in one sentence", () => {
	for (const command of ["demo", "bench"]) {
		const { status, stderr } = spawnSync(process.execPath, [main, command, "--model", "rnn"], { encoding: "utf8" });
		assert.equal(stderr, "--model: expected vit or cnn, got rnn\n");
		assert.equal(status, 2);
	}
});
