import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync } from "mqtt";
import type { Fault } from "../../adapters/faulty-proxy.js";
import { eventually, makeClip, many, temporaryDirectory } from "../../adapters/fixtures.js";
import { type Ended, freePort, type Started, starter, testBroker } from "../fixtures.js";
import { listener } from "./fixtures.js";

const folder = temporaryDirectory();
const start = starter(folder);
const listen = listener();
const open = testBroker();
const cleanups: (() => Promise<unknown>)[] = [];
after(async () => {
	for (const cleanup of cleanups.reverse()) await cleanup();
});
before(async () => {
	await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4");
});

let files = 0;
const configured = (url: string, mqtt = ""): string => {
	const name = `cam-${++files}.yaml`;
	const source = "{ file: clip.mp4, loop: true, pace: realtime }";
	const text = `store: ./store-${files}\nmqtt: { url: "${url}"${mqtt} }\ncameras: { road: { source: ${source} } }\n`;
	writeFileSync(join(folder, name), text);
	return name;
};

const predictionsOf = ({ out }: Ended): number =>
	JSON.parse(out.trimEnd().split("\n").at(-1) ?? "").cameras.road.predictions;
const stop = async ({ child, ended, err }: Started): Promise<Ended> => {
	const told = performance.now();
	child.kill("SIGTERM");
	const result = await ended;
	assert.equal(result.code, 0, err());
	assert.ok(performance.now() - told < 5_000, `${performance.now() - told} ms`);
	return result;
};
const complete = (seqs: readonly number[], count: number) =>
	assert.deepEqual(
		seqs,
		Array.from({ length: count }, (_, i) => i),
	);

describe("a daemon whose broker", () => {
	const faults: readonly Fault[] = ["refuse", "reset", "black hole"];
	for (const fault of faults)
		it(`meets with "${fault}" at the start and in mid-run gets every prediction in the end`, async () => {
			const { proxy, seqs, on, last } = await listen();
			await proxy.set(fault);
			const daemon = start("run", configured(proxy.url));
			await eventually(() => daemon.err().includes("broker: lost"), 20_000);
			assert.deepEqual(on("available"), []);
			await proxy.set("pass");
			await eventually(() => last("available") === "online" && seqs().length > 20, 20_000);
			await proxy.set(fault);
			await sleep(many({ short: 3_000, long: 60_000 }));
			if (fault !== "black hole") assert.equal(last("available"), "offline");
			await proxy.set("pass");
			await eventually(() => daemon.err().split("broker: connected").length > 2, 30_000);
			await eventually(() => last("available") === "online", 20_000);
			const age = () => Date.now() - Date.parse(JSON.parse(last("road/predictions") ?? "").publishedAt);
			await eventually(() => age() < 1_000, 30_000);
			const ended = await stop(daemon);
			await eventually(() => seqs().length >= predictionsOf(ended), 20_000);
			complete(seqs(), predictionsOf(ended));
			assert.equal(last("available"), "stopped");
			assert.equal(last("road/status"), "offline");
			assert.equal(last("road/gap"), undefined);
		});

	it("stops acknowledging is left within 5 s of SIGTERM, and gets the rest after the next start", async () => {
		const { proxy, seqs, last } = await listen();
		const file = configured(proxy.url);
		const daemon = start("run", file);
		await eventually(() => seqs().length > 20, 20_000);
		await proxy.set("black hole");
		await sleep(1_000);
		const first = await stop(daemon);
		assert.match(first.err, /"waiting":\d+.*messages are kept for the next run/);
		assert.ok(seqs().length < predictionsOf(first));
		await proxy.set("pass");
		const again = start("run", file);
		await eventually(() => again.err().includes("knowledge taken up again"), 20_000);
		await eventually(() => seqs().length > predictionsOf(first) + 20, 20_000);
		const second = await stop(again);
		const count = predictionsOf(first) + predictionsOf(second);
		await eventually(() => seqs().length >= count, 20_000);
		complete(seqs(), count);
		assert.equal(last("available"), "stopped");
	});

	it("is away gets what was predicted before a kill -9", async () => {
		const { proxy, seqs, last } = await listen();
		const file = configured(proxy.url);
		const daemon = start("run", file);
		await eventually(() => seqs().length > 20, 20_000);
		await proxy.set("refuse");
		await eventually(() => last("available") === "offline");
		const before = seqs().length;
		await sleep(2_000);
		daemon.child.kill("SIGKILL");
		await daemon.ended;
		await proxy.set("pass");
		const again = start("run", file);
		await eventually(() => seqs().length > before + 60, 20_000);
		const ended = await stop(again);
		const kept = seqs().length - predictionsOf(ended) - before;
		assert.ok(kept > 25, `${kept} of about 50 predictions`);
		complete(seqs(), seqs().length);
	});

	it("was restarted and has forgotten everything is told it anew, and misses no prediction", async () => {
		const port = await freePort();
		const hear = async (url: string) => {
			const consumer = await connectAsync(url);
			cleanups.push(() => consumer.endAsync(true));
			const kept = new Map<string, string>();
			const seqs = new Set<number>();
			consumer.on("message", (topic, payload) => {
				if (topic.endsWith("/predictions")) seqs.add(JSON.parse(String(payload)).seq);
				else kept.set(topic.replace("acclimate/", ""), String(payload));
			});
			await consumer.subscribeAsync("acclimate/#", { qos: 1 });
			return { kept, seqs };
		};
		const first = await open({ port });
		const before = await hear(first.url);
		const daemon = start("run", configured(first.url));
		await eventually(() => before.seqs.size > 20, 20_000);
		await first.close();
		await sleep(1_000);
		const second = await open({ port });
		// Listens before the daemon has found its way back, which takes it a second at least.
		const later = await hear(second.url);
		await eventually(() => later.seqs.size > 50, 20_000);
		for (const topic of ["available", "road/status", "road/domain", "road/adaptation"])
			assert.ok(later.kept.has(topic), topic);
		assert.equal(later.kept.get("available"), "online");
		const ended = await stop(daemon);
		const seen = new Set([...before.seqs, ...later.seqs]);
		await eventually(() => new Set([...before.seqs, ...later.seqs]).size >= predictionsOf(ended));
		complete(
			[...seen].sort((a, b) => a - b),
			seen.size,
		);
	});
});
