import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openFaultyProxy } from "../../adapters/faulty-proxy.js";
import { eventually, makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import type { Camera, Outlet } from "../../operators/types.js";
import { freePort, starter, testBroker } from "../fixtures.js";
import { Mistake } from "../mistake.js";
import { emptyTally } from "../watch.js";
import { alive, ready } from "./health.js";
import { openHttp } from "./http.js";
import { openVitals } from "./vitals.js";

const folder = temporaryDirectory();
const start = starter(folder);

const silence: Outlet = { publish: async () => {} };
const broker = { connected: true, dropped: 0, waiting: 0, next: () => 0, send: async () => {}, close: async () => {} };

/** One sample of Prometheus' text format; undefined where there is none. */
const sample = (text: string, name: string): number | undefined => {
	const line = text.split("\n").find((one) => one.startsWith(`${name} `));
	return line === undefined ? undefined : Number(line.slice(name.length));
};

const get = async (url: string) => {
	const response = await fetch(url);
	return { status: response.status, text: await response.text() };
};

describe("what the daemon looks like from outside", () => {
	it("is stuck when a camera is online and no round ends, and only then", async () => {
		const vitals = openVitals();
		const road = vitals.witness("road", emptyTally(), 0);
		const outlet = road.overheard(silence);
		assert.ok(vitals.turning(0), "nothing is online");
		await outlet.publish("status", "online");
		await sleep(30);
		assert.ok(vitals.turning(1_000));
		assert.ok(!vitals.turning(20));
		await outlet.publish("predictions", {});
		assert.ok(!vitals.turning(20), "a prediction is no round: learning may hang");
		road.turned();
		assert.ok(vitals.turning(20));
		const yard = vitals.witness("yard", emptyTally(), 0);
		await yard.overheard(silence).publish("status", "online");
		await sleep(30);
		yard.turned();
		assert.ok(vitals.turning(20), "one camera is enough: the others' sources are watched by themselves");
		const slow = vitals.witness("yard", emptyTally(), 60_000);
		await slow.overheard(silence).publish("status", "online");
		await sleep(30);
		assert.ok(vitals.turning(20), "one that may be silent for longer is not stuck");
		await outlet.publish("status", "offline");
		vitals.forget("yard");
		await sleep(30);
		assert.ok(vitals.turning(20), "nothing is online any more");
		assert.deepEqual(alive(vitals), { ok: true, because: { rounds: "no camera is online" } });
	});

	it("is ready with an open model, one camera online or none enabled, and a broker or room to keep messages", async () => {
		const vitals = openVitals();
		assert.equal(ready(vitals).ok, false);
		vitals.model = true;
		vitals.broker = broker;
		const outlet = vitals.witness("road", emptyTally(), 0).overheard(silence);
		assert.equal(ready(vitals).ok, false, "the camera has only begun");
		await outlet.publish("status", "disabled");
		assert.deepEqual(ready(vitals).because, { model: "open", cameras: "none is enabled", broker: "connected" });
		assert.ok(ready(vitals).ok);
		await outlet.publish("status", "offline");
		assert.equal(ready(vitals).ok, false);
		await outlet.publish("status", "online");
		assert.ok(ready(vitals).ok);
		vitals.broker = { ...broker, connected: false };
		assert.ok(ready(vitals).ok, "what is sent is kept");
		vitals.broker = { ...broker, connected: false, dropped: 3 };
		assert.deepEqual(ready(vitals).because.broker, "away, messages are lost");
		assert.equal(ready(vitals).ok, false);
	});
});

describe("HTTP", () => {
	it("answers GET for its three pages, and nothing else", async () => {
		const http = await openHttp({ host: "127.0.0.1", port: 0 }, openVitals());
		assert.equal((await get(`${http.url}/healthz`)).status, 200);
		assert.equal((await get(`${http.url}/readyz`)).status, 503);
		assert.equal((await get(`${http.url}/metrics`)).status, 200);
		for (const path of ["/", "/healthz/", "/__proto__", "/constructor", "/metrics?x=1", `/${"a".repeat(5_000)}`])
			assert.equal((await get(http.url + path)).status, 404, path);
		assert.equal((await fetch(http.url, { headers: { long: "a".repeat(10_000) } })).status, 431);
		for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
			const answered = await fetch(`${http.url}/metrics`, { method, headers: { Origin: "https://example.org" } });
			assert.equal(answered.status, 405, method);
			assert.equal(answered.headers.get("access-control-allow-origin"), null);
		}
		await http.close();
	});

	it("does not wait for a request that never ends", async () => {
		const http = await openHttp({ host: "127.0.0.1", port: 0 }, openVitals());
		const socket = connect(Number(new URL(http.url).port), "127.0.0.1");
		socket.on("error", () => {}).resume();
		socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n");
		const began = performance.now();
		await once(socket, "close");
		assert.ok(performance.now() - began < 10_000);
		await http.close();
	});

	it("says in one line that an address cannot be used", async () => {
		const http = await openHttp({ host: "127.0.0.1", port: 0 }, openVitals());
		const port = Number(new URL(http.url).port);
		await assert.rejects(openHttp({ host: "127.0.0.1", port }, openVitals()), (error) => {
			assert.ok(error instanceof Mistake);
			assert.match(error.message, /^http\.listen: 127\.0\.0\.1:\d+ is in use by another program: .*$/);
			return true;
		});
		await assert.rejects(openHttp({ host: "192.0.2.1", port }, openVitals()), /is no address of this machine/);
		await http.close();
	});
});

describe("metrics", () => {
	it("tell of each camera what was counted, published and is waiting", async () => {
		const vitals = openVitals();
		const tally = { ...emptyTally(), frames: 30, predictions: 20, dropped: 10, steps: 3, domains: 2, domainChanges: 1 };
		const road = vitals.witness("road", tally, 0);
		road.opened({ waiting: 5 } as Camera);
		const outlet = road.overheard(silence);
		await outlet.publish("status", "online");
		await outlet.publish("domain", { id: "d3" });
		await outlet.publish("adaptation", { state: "holding" });
		await outlet.publish("predictions", { capturedAt: new Date(Date.now() - 200).toISOString() });
		const http = await openHttp({ host: "127.0.0.1", port: 0 }, vitals);
		await outlet.publish("predictions", { capturedAt: new Date(Date.now() - 200).toISOString() });
		for (let scrape = 0; scrape < 2; scrape++) {
			const { text } = await get(`${http.url}/metrics`);
			const road = (name: string) => sample(text, `acclimate_${name}{camera="road"}`);
			assert.deepEqual(
				[road("frames_total"), road("predictions_total"), road("frames_dropped_total"), road("steps_total")],
				[30, 20, 10, 3],
			);
			assert.deepEqual([road("domain"), road("domains"), road("camera_online"), road("frames_waiting")], [3, 2, 1, 5]);
			assert.equal(sample(text, 'acclimate_adaptation{camera="road",state="holding"}'), 1);
			assert.equal(sample(text, 'acclimate_adaptation{camera="road",state="learning"}'), 0);
			assert.equal(sample(text, 'acclimate_latency_seconds_bucket{le="0.1",camera="road"}'), 0);
			assert.equal(sample(text, 'acclimate_latency_seconds_bucket{le="0.5",camera="road"}'), 1);
			assert.equal(road("gain"), undefined, "nothing was said of a gain");
			assert.equal(road("windows_total"), undefined, "no step needs any");
			assert.ok((sample(text, "process_resident_memory_bytes") ?? 0) > 1e7);
		}
		await outlet.publish("adaptation", { state: "learning", gain: 0.25 });
		Object.assign(tally, { windows: 6, failed: 2 });
		const { text } = await get(`${http.url}/metrics`);
		const now = (name: string) => sample(text, `acclimate_${name}{camera="road"}`);
		assert.deepEqual([now("gain"), now("windows_total"), now("frames_failed_total")], [0.25, 6, 2]);
		vitals.forget("road");
		assert.doesNotMatch((await get(`${http.url}/metrics`)).text, /acclimate_frames_total\{/);
		await http.close();
	});
});

describe("a daemon with http in its configuration", () => {
	before(() =>
		makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4").then(() => {}),
	);

	it("is ready while its broker is away, and counts what it predicts", async () => {
		const embedded = await testBroker()();
		const proxy = await openFaultyProxy(embedded.url);
		after(proxy.close);
		const port = await freePort();
		const file = join(folder, "cam.yaml");
		writeFileSync(
			file,
			`mqtt: { url: "${proxy.url}" }\nhttp: { listen: "127.0.0.1:${port}" }\n` +
				"cameras: { road: { source: { file: clip.mp4, loop: true, pace: realtime } } }\n",
		);
		const daemon = start("run", file);
		await eventually(() => daemon.err().includes("broker: connected"), 20_000);
		const url = `http://127.0.0.1:${port}`;
		const predictions = async () =>
			sample((await get(`${url}/metrics`)).text, 'acclimate_predictions_total{camera="road"}') ?? 0;
		while ((await predictions()) < 30) await sleep(100);
		const { text } = await get(`${url}/metrics`);
		assert.ok((sample(text, 'acclimate_latency_seconds_count{camera="road"}') ?? 0) >= 30);
		assert.equal(sample(text, "acclimate_broker_connected"), 1);
		assert.equal((await get(`${url}/healthz`)).status, 200);
		assert.deepEqual(JSON.parse((await get(`${url}/readyz`)).text), {
			ok: true,
			model: "open",
			cameras: "1 of 1 online",
			broker: "connected",
		});
		await proxy.set("refuse");
		await eventually(() => daemon.err().includes("broker: lost"), 20_000);
		const away = await get(`${url}/readyz`);
		assert.equal(away.status, 200);
		assert.equal(JSON.parse(away.text).broker, "away, messages are kept");
		const before = await predictions();
		while ((await predictions()) < before + 20) await sleep(100);
		assert.ok((sample((await get(`${url}/metrics`)).text, "acclimate_broker_waiting") ?? 0) >= 20);
		const second = await start("run", file).ended;
		assert.equal(second.code, 2);
		assert.match(second.err, /^http\.listen: 127\.0\.0\.1:\d+ is in use by another program.*\n$/);
		daemon.child.kill("SIGTERM");
		assert.equal((await daemon.ended).code, 0);
	});
});
