import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { freePort, openConsumed, starter } from "../fixtures.js";
import { bundled } from "../paths.js";

const folder = temporaryDirectory();
const start = starter(folder);

const ROAD = `{ source: ${JSON.stringify(bundled.clip)}, region: [80, 40, 160, 160] }`;

test("what a sweep has gained is published: nothing on a clear road, most in fog, and at once when fog is back", async () => {
	const { url, consumer } = await openConsumed();
	const port = await freePort();
	const http = `http: { listen: "127.0.0.1:${port}" }\n`;
	writeFileSync(join(folder, "road.yaml"), `mqtt: { url: "${url}" }\n${http}cameras: { road: ${ROAD} }\n`);
	const daemon = start("run", "road.yaml");
	let over = false;
	void daemon.ended.then(() => {
		over = true;
	});
	const scraped = new Set<number>();
	while (!over) {
		await sleep(50);
		const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
			(response) => response.text(),
			() => "",
		);
		const [, value] = /^acclimate_gain\{camera="road"\} (\S+)$/m.exec(text) ?? [];
		if (value !== undefined) scraped.add(Number(value));
	}
	assert.equal((await daemon.ended).code, 0);
	const states = consumer.on("road", "adaptation").map((payload) => JSON.parse(payload));
	const gains = states.flatMap(({ gain }) => gain ?? []);
	assert.equal(states[0].gain, undefined, "nothing has been looked at yet");
	assert.ok(scraped.size > 1 && [...scraped].every((gain) => gains.includes(gain)), `${[...scraped]} of ${gains}`);
	for (const { gain, aligned } of states) if (gain !== undefined) assert.ok(aligned || gain === 0, `${gain}`);
	const domains = consumer.on("road", "domain").map((payload) => JSON.parse(payload));
	const [clear, fog] = domains.filter(({ status }) => status === "new").map(({ id }) => id);
	const of = (id: string) => states.filter(({ domain, gain }) => domain === id && gain !== undefined);
	assert.ok(of(clear).every(({ gain }) => gain === 0));
	assert.ok(of(fog).every(({ gain }) => gain > 0.5));
	const returned = domains.find(({ id, status }) => id === fog && status === "matched");
	const since = states.find(({ domain, publishedAt }) => domain === fog && publishedAt >= returned.publishedAt);
	assert.ok(since.gain > 0.5, JSON.stringify(since));
});

test("other ways of learning publish no gain", async () => {
	const { url, consumer } = await openConsumed();
	const rest = `store: ./zoa\nadapt: { method: zoa }\ncameras: { road: ${ROAD} }\n`;
	writeFileSync(join(folder, "zoa.yaml"), `mqtt: { url: "${url}" }\n${rest}`);
	const { code, out, err } = await start("run", "zoa.yaml").ended;
	assert.equal(code, 0, err);
	const states = consumer.on("road", "adaptation").map((payload) => JSON.parse(payload));
	assert.ok(states.some(({ aligned }) => aligned));
	assert.ok(states.every((state) => !("gain" in state)));
	assert.ok(JSON.parse(out).cameras.road.windows > 0, "zeroth-order steps have windows, which sweeps have not");
});
