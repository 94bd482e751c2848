import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import mqtt from "mqtt";
import type { Broker, Message } from "../operators/types.js";
import { backoff } from "./broker.connection.js";
import { brokerContract } from "./broker.contract.js";
import { checkUrl, openBroker, redact } from "./broker.js";
import type { BrokerEvent, BrokerOptions, Incoming } from "./broker.options.js";
import { openEmbeddedBroker } from "./embeddedBroker.js";
import { openFaultyProxy } from "./faulty-proxy.js";
import { eventually, temporaryDirectory } from "./fixtures.js";
import { type Outbox, type OutboxOptions, openOutbox } from "./outbox.js";

interface Server {
	readonly url: string;
	close(): Promise<void>;
}

const mosquitto = ["mosquitto", "/usr/sbin/mosquitto"].find(
	(program) => spawnSync(program, ["-h"], { stdio: "ignore" }).error === undefined,
);
const servers = [
	{ name: "aedes", skip: false as const, start: openEmbeddedBroker },
	{ name: "mosquitto", skip: mosquitto ? (false as const) : "mosquitto is not on this machine", start: startMosquitto },
];

const cleanups: (() => Promise<unknown>)[] = [];
after(async () => {
	for (const cleanup of cleanups.reverse()) await cleanup();
});
const later = <T extends { close(): Promise<unknown> }>(closable: T): T => {
	cleanups.push(() => closable.close());
	return closable;
};

const defaults = {
	will: { topic: "t/available", payload: "offline" },
	birth: { topic: "t/available", payload: "online" },
	farewell: { topic: "t/available", payload: "stopped" },
	times: { retryMin: 30, retryMax: 120, connect: 500, acknowledge: 300, keepalive: 1000 },
};

const root = temporaryDirectory();
let directories = 0;
const fresh = () => join(root, `outbox.${directories++}`);

const openBox = (directory = fresh(), more: Partial<OutboxOptions> = {}): Outbox =>
	openOutbox({
		directory,
		size: 2 ** 30,
		age: 3_600_000,
		announce: { topic: () => "t/gap", payload: (lost, seq) => JSON.stringify({ seq, lost }) },
		...more,
	});

/** A broker adapter that is cut off when the tests end, without waiting for what it may still want to send. */
function open(url: string, more: Partial<BrokerOptions> = {}): Broker & { readonly events: BrokerEvent[] } {
	const events: BrokerEvent[] = [];
	const outbox = more.outbox ?? openBox();
	const broker = openBroker({ ...defaults, url, onEvent: (event) => events.push(event), ...more, outbox });
	cleanups.push(() => broker.close(0));
	return Object.assign(Object.create(broker), { events }) as Broker & { readonly events: BrokerEvent[] };
}

const message = (seq: number): Message => ({
	topic: "t/predictions",
	payload: { seq },
	retain: false,
	deliver: "every",
});

/** Subscribes to everything; `seqs` are the predictions that arrived. */
async function listen(url: string) {
	const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
	cleanups.push(() => client.endAsync(true));
	const received: { topic: string; text: string; retain: boolean }[] = [];
	client.on("message", (topic, payload, { retain }) => received.push({ topic, text: payload.toString(), retain }));
	await client.subscribeAsync("#", { qos: 1 });
	return {
		received,
		seqs: () => received.filter(({ topic }) => topic === "t/predictions").map(({ text }) => JSON.parse(text).seq),
		last: (wanted: string) => received.findLast(({ topic }) => topic === wanted)?.text,
	};
}

/** All arrive, in order and without a gap when repetitions are left out: what at-least-once promises. */
async function assertComplete(arrived: () => readonly number[], count: number): Promise<void> {
	await eventually(() => arrived().includes(count - 1));
	const seqs = arrived();
	const first = seqs.filter((seq, i) => seqs.indexOf(seq) === i);
	assert.deepEqual(
		first,
		Array.from({ length: count }, (_, seq) => seq),
	);
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	const { port } = server.address() as { port: number };
	await new Promise((done) => server.close(done));
	return port;
}

async function startMosquitto(at?: number): Promise<Server> {
	const port = at ?? (await freePort());
	const config = join(temporaryDirectory(), "mosquitto.conf");
	writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n`);
	const child: ChildProcess = spawn(mosquitto as string, ["-c", config], { stdio: "ignore" });
	const gone = new Promise((done) => child.once("exit", done));
	const url = `mqtt://127.0.0.1:${port}`;
	for (let attempt = 0; ; attempt++) {
		try {
			await (await mqtt.connectAsync(url, { reconnectPeriod: 0 }, false)).endAsync();
			break;
		} catch (error) {
			if (attempt === 100) throw error;
			await sleep(20);
		}
	}
	return {
		url,
		async close() {
			child.kill("SIGKILL");
			await gone;
		},
	};
}

for (const { name, skip, start } of servers) {
	brokerContract(
		`MQTT, ${name}`,
		async () => {
			const server = later(await start());
			const { received } = await listen(server.url);
			return {
				broker: open(server.url),
				received: () => received.filter(({ topic }) => topic === "t/predictions").map(({ text }) => JSON.parse(text)),
			};
		},
		{ skip },
	);

	describe(`MQTT with ${name}`, { skip }, () => {
		const setup = async () => {
			const server = later(await start());
			const proxy = later(await openFaultyProxy(server.url));
			return { server, proxy, ...(await listen(server.url)) };
		};

		it("delivers what was queued when a broker that was absent at the start appears", async () => {
			const port = await freePort();
			const broker = open(`mqtt://127.0.0.1:${port}`);
			for (let seq = 0; seq < 200; seq++) await broker.send(message(seq));
			assert.equal(broker.connected, false);
			await sleep(100);
			const server = later(await start(port));
			const { seqs } = await listen(server.url);
			// The listener may have come after some of them; a second round shows that the line works in order.
			await eventually(() => broker.connected);
			for (let seq = 200; seq < 400; seq++) await broker.send(message(seq));
			await eventually(() => seqs().at(-1) === 399);
			const all = seqs();
			assert.deepEqual(
				all,
				Array.from(all, (_, i) => all[0] + i),
			);
			assert.equal(broker.dropped, 0);
			await broker.close(1000);
		});

		it("delivers everything in order after the broker refused connections", async () => {
			const { proxy, seqs } = await setup();
			await proxy.set("refuse");
			const broker = open(proxy.url);
			for (let seq = 0; seq < 500; seq++) await broker.send(message(seq));
			await sleep(100);
			await proxy.set("pass");
			await assertComplete(seqs, 500);
			await broker.close(1000);
		});

		it("leaves no gap and keeps the order when connections are reset again and again", async () => {
			const { proxy, seqs } = await setup();
			const broker = open(proxy.url);
			const connections = () => broker.events.filter(({ type }) => type === "connected").length;
			await eventually(() => broker.connected);
			for (let seq = 0; seq < 1500; seq++) {
				await broker.send(message(seq));
				if (seq % 300 === 299) {
					const before = connections();
					await proxy.set("reset");
					await sleep(20);
					await proxy.set("pass");
					await eventually(() => broker.connected && connections() > before);
				}
			}
			// About 1,000 messages are left, which are replayed at 500 a second.
			await broker.close(6000);
			assert.equal(broker.dropped, 0);
			await assertComplete(seqs, 1500);
		});

		it("comes back after a black hole, and what was sent into it arrives", async () => {
			const { proxy, seqs, last } = await setup();
			const broker = open(proxy.url);
			await eventually(() => broker.connected);
			for (let seq = 0; seq < 50; seq++) await broker.send(message(seq));
			await proxy.set("black hole");
			for (let seq = 50; seq < 150; seq++) await broker.send(message(seq));
			await eventually(() => !broker.connected);
			assert.ok(broker.events.some((event) => event.type === "lost" && /no acknowledgement/.test(event.reason)));
			await sleep(700);
			await proxy.set("pass");
			await eventually(() => broker.connected);
			for (let seq = 150; seq < 200; seq++) await broker.send(message(seq));
			await assertComplete(seqs, 200);
			// The broker finds the old connection dead after one and a half keepalives; its last will must not come then.
			await sleep(1700);
			assert.equal(last("t/available"), "online");
			await broker.close(3000);
		});

		it("closes within its deadline in a black hole", async () => {
			const { proxy } = await setup();
			const broker = open(proxy.url, { times: { ...defaults.times, acknowledge: 60_000 } });
			await eventually(() => broker.connected);
			await proxy.set("black hole");
			for (let seq = 0; seq < 10; seq++) void broker.send(message(seq));
			const start = performance.now();
			await broker.close(300);
			assert.ok(performance.now() - start < 1500, `${performance.now() - start} ms`);
			assert.deepEqual([broker.waiting, broker.dropped], [10, 0]);
		});

		it("closes within its deadline before a black hole accepted the connection", async () => {
			const { proxy } = await setup();
			await proxy.set("black hole");
			const broker = open(proxy.url, { times: { ...defaults.times, connect: 60_000 } });
			await broker.send(message(0));
			const start = performance.now();
			await broker.close(300);
			assert.ok(performance.now() - start < 1500, `${performance.now() - start} ms`);
		});

		it("closes at once when the broker is away, after one more attempt for what is queued", async () => {
			const { proxy } = await setup();
			await proxy.set("refuse");
			const broker = open(proxy.url, { times: { ...defaults.times, retryMin: 60_000, retryMax: 60_000 } });
			await broker.send(message(0));
			await eventually(() => broker.events.length > 0);
			const start = performance.now();
			await broker.close(10_000);
			assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
			assert.deepEqual([broker.waiting, broker.dropped], [1, 0]);
		});

		it("saves with that attempt what is queued when the broker has come back", async () => {
			const { proxy, seqs, last } = await setup();
			await proxy.set("refuse");
			const broker = open(proxy.url, { times: { ...defaults.times, retryMin: 60_000, retryMax: 60_000 } });
			for (let seq = 0; seq < 100; seq++) await broker.send(message(seq));
			await eventually(() => broker.events.length > 0);
			await proxy.set("pass");
			await broker.close(5000);
			await eventually(() => last("t/available") === "stopped");
			await assertComplete(seqs, 100);
		});

		it("says online, stopped and, when cut off, offline; each is kept by the broker", async () => {
			const { server, proxy, last } = await setup();
			const kept = async () => (await listen(server.url)).received;
			const broker = open(proxy.url);
			await eventually(() => last("t/available") === "online");
			await proxy.set("refuse");
			await eventually(() => last("t/available") === "offline");
			const offline = await kept();
			await eventually(() => offline.length === 1);
			assert.deepEqual(offline, [{ topic: "t/available", text: "offline", retain: true }]);
			await proxy.set("pass");
			await eventually(() => last("t/available") === "online");
			await broker.close(1000);
			await eventually(() => last("t/available") === "stopped");
		});

		it("slows a fast sender down to the broker's pace", async () => {
			const { proxy } = await setup();
			const broker = open(proxy.url, { times: { ...defaults.times, acknowledge: 60_000 } });
			await eventually(() => broker.connected);
			await proxy.set("black hole");
			let sent = 0;
			const sending = (async () => {
				for (; sent < 1000; sent++) await broker.send(message(sent));
			})();
			await sleep(300);
			assert.ok(sent >= 200 && sent <= 201, `${sent} messages wait, unacknowledged`);
			await broker.close(0);
			await sending;
		});

		it("tells a broker that has forgotten it the last state of every topic", async () => {
			const port = await freePort();
			const first = await start(port);
			const broker = open(first.url);
			const state = (topic: string, value: number, deliver: Message["deliver"]) =>
				broker.send({ topic, payload: { value }, retain: true, deliver });
			await state("t/road/status", 1, "last");
			await state("t/road/domain", 2, "every");
			await state("t/road/status", 3, "last");
			await eventually(() => broker.connected);
			await broker.send(message(0));
			await sleep(50);
			await first.close();
			const second = later(await start(port));
			await eventually(() => broker.connected);
			await sleep(50);
			const { last } = await listen(second.url);
			await eventually(() => last("t/road/domain") === '{"value":2}');
			assert.equal(last("t/road/status"), '{"value":3}');
			assert.equal(last("t/available"), "online");
			await broker.close(1000);
		});

		it("says online again when somebody else's last will, or an older self's, says otherwise", async () => {
			const { server, last, received } = await setup();
			const broker = open(server.url);
			await eventually(() => last("t/available") === "online");
			const other = await mqtt.connectAsync(server.url, { reconnectPeriod: 0 });
			for (const word of ["offline", "stopped"])
				await other.publishAsync("t/available", word, { qos: 1, retain: true });
			await other.endAsync();
			await eventually(() => received.length >= 4 && last("t/available") === "online");
			await broker.close(1000);
			await eventually(() => last("t/available") === "stopped");
		});

		it("hears what it listens to, over connections, and nothing that is too long", async () => {
			const { server, proxy } = await setup();
			const heard: Incoming[] = [];
			const broker = open(proxy.url, { listen: { filters: ["t/+/set"], onMessage: (message) => heard.push(message) } });
			await eventually(() => broker.connected);
			const other = await mqtt.connectAsync(server.url, { reconnectPeriod: 0 });
			cleanups.push(() => other.endAsync(true));
			await sleep(100);
			await other.publishAsync("t/road/set", "x".repeat(20_000), { qos: 1 });
			await other.publishAsync("t/road/set", "ON", { qos: 1 });
			await other.publishAsync("t/road/other", "ON", { qos: 1 });
			await eventually(() => heard.length > 0);
			await other.publishAsync("t/road/set", "FREEZE", { qos: 1, retain: true });
			await eventually(() => heard.length > 1);
			await proxy.set("reset");
			await eventually(() => !broker.connected);
			await proxy.set("pass");
			await eventually(() => heard.length > 2);
			assert.deepEqual(
				heard.map(({ topic, payload, retained }) => `${topic} ${payload} ${retained}`),
				["t/road/set ON false", "t/road/set FREEZE false", "t/road/set FREEZE true"],
			);
			await broker.close(1000);
		});

		it("sends what was waiting at a limited rate, and what is new as it comes", async () => {
			const { proxy, seqs } = await setup();
			await proxy.set("refuse");
			const broker = open(proxy.url, { replay: 100 });
			for (let seq = 0; seq < 200; seq++) await broker.send(message(seq));
			await proxy.set("pass");
			await eventually(() => broker.connected);
			const began = performance.now();
			for (let seq = 200; seq < 300; seq++) await broker.send(message(seq));
			assert.ok(performance.now() - began < 500, "nobody waits for what waited before");
			await assertComplete(seqs, 300);
			const took = performance.now() - began;
			assert.ok(took > 1500 && took < 4000, `${took} ms for 200 messages at 100 a second and 100 more`);
			await broker.close(1000);
		});

		it("delivers after the next start what a first run could not", async () => {
			const { proxy, seqs, last } = await setup();
			const directory = fresh();
			await proxy.set("refuse");
			const first = open(proxy.url, { outbox: openBox(directory) });
			for (let seq = 0; seq < 100; seq++) await first.send(message(seq));
			await first.close(1000);
			await proxy.set("pass");
			const second = open(proxy.url, { outbox: openBox(directory) });
			assert.equal(second.next("t/predictions"), 100);
			for (let seq = 100; seq < 200; seq++) await second.send(message(seq));
			await assertComplete(seqs, 200);
			await second.close(1000);
			assert.equal(last("t/gap"), undefined);
		});
	});
}

describe("MQTT while the broker is away", () => {
	it("keeps the newest messages, tells which are lost, and never makes the sender wait", async () => {
		const server = later(await openEmbeddedBroker());
		const proxy = later(await openFaultyProxy(server.url));
		const { received, seqs, last } = await listen(server.url);
		await proxy.set("refuse");
		const broker = open(proxy.url, { outbox: openBox(fresh(), { size: 100_000 }) });
		await broker.send({ topic: "t/road/status", payload: "online", retain: true, deliver: "last" });
		await broker.send({ topic: "t/road/domain", payload: { id: "d1" }, retain: true, deliver: "every" });
		for (let seq = 0; seq < 3000; seq++) await broker.send(message(seq));
		const { dropped } = broker;
		assert.ok(dropped > 1000, String(dropped));
		assert.equal(broker.events.filter((event) => event.type === "dropping").length, Math.ceil(dropped / 1000));
		await proxy.set("pass");
		await eventually(() => seqs().at(-1) === 2999, 20_000);
		await eventually(() => last("t/road/domain") !== undefined);
		const [from] = seqs();
		assert.deepEqual(
			seqs(),
			Array.from({ length: 3000 - from }, (_, i) => from + i),
		);
		const { lost } = JSON.parse(last("t/gap") ?? "");
		assert.deepEqual(lost, [
			{ topic: "t/road/domain", from: 0, to: 0, reason: "size" },
			{ topic: "t/predictions", from: 0, to: from - 1, reason: "size" },
		]);
		assert.equal(dropped, from + 1);
		const order = received.map(({ topic }) => topic);
		assert.ok(order.indexOf("t/gap") < order.indexOf("t/predictions"), "the gap is told where it is");
		assert.equal(last("t/road/status"), "online", "a state outlives the limit");
		assert.equal(last("t/road/domain"), '{"id":"d1"}', "so does one that every message of counts");
		await broker.close(1000);
	});

	it("holds in memory no more than a few messages", async () => {
		setFlagsFromString("--expose-gc");
		const heap = () => {
			runInNewContext("gc")();
			return process.memoryUsage().heapUsed;
		};
		const broker = open(`mqtt://127.0.0.1:${await freePort()}`);
		const fill = async (count: number) => {
			for (let seq = 0; seq < count; seq++) await broker.send({ ...message(seq), payload: { text: "x".repeat(1500) } });
		};
		await fill(10_000);
		await sleep(200);
		const before = heap();
		await fill(40_000);
		await sleep(200);
		const grown = heap() - before;
		// Every message that is kept in memory has an object of a hundred bytes at least, wherever its text lies: 4 MB of them.
		assert.ok(grown < 3e6, `${grown} bytes for 40,000 messages`);
		assert.equal(broker.waiting, 50_000);
	});

	it("waits longer from attempt to attempt, within bounds", () => {
		const times = { retryMin: 1000, retryMax: 10_000 };
		assert.deepEqual(
			[0, 1, 2, 3, 4, 50].map((attempt) => backoff(attempt, times, 1)),
			[1000, 2000, 4000, 8000, 10_000, 10_000],
		);
		assert.equal(backoff(0, times, 0), 750);
	});

	it("tells why, and when the next attempt is", async () => {
		const broker = open(`mqtt://127.0.0.1:${await freePort()}`);
		await eventually(() => broker.events.length > 1);
		const [event] = broker.events;
		assert.ok(event.type === "lost" && /ECONNREFUSED/.test(event.reason) && event.retryIn > 0);
	});
});

describe("a broker's URL", () => {
	for (const [url, shown] of [
		["mqtt://user:secret@broker.local:1883", "mqtt://broker.local:1883"],
		["wss://user:secret@broker.local/mqtt?token=secret", "wss://broker.local/mqtt"],
		["mqtt://user:sec/ret@broker.local", "mqtt://broker.local"],
		["no url: //u:secret@x", "no url: //x"],
	] as const) {
		it(`is printed as ${shown}`, () => assert.equal(redact(url), shown));
	}

	it("is refused, without its credentials, when no broker can have it", () => {
		for (const url of ["http://u:secret@x", "broker.local", "mqtt:", ""]) {
			assert.throws(
				() => checkUrl(url),
				(error: Error) => /is not a broker/.test(error.message) && !error.message.includes("secret"),
				url,
			);
		}
		for (const url of ["mqtt://x", "mqtts://x:8883", "ws://x/mqtt", "wss://x"]) checkUrl(url);
	});
});

describe("the embedded broker", () => {
	it("says so when its port is taken", async () => {
		const first = later(await openEmbeddedBroker());
		await assert.rejects(openEmbeddedBroker(Number(new URL(first.url).port)), {
			code: "broker",
			message: /cannot be used/,
		});
	});

	it("closes though clients are connected", async () => {
		const server = await openEmbeddedBroker();
		await listen(server.url);
		await server.close();
	});
});
