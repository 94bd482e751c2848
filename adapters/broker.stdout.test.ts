import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { brokerContract } from "./broker.contract.js";
import { openStdoutBroker } from "./broker.stdout.js";

const prints = (topic: string) => topic.endsWith("/predictions");

brokerContract("standard output", async () => {
	const output = new PassThrough();
	let text = "";
	output.setEncoding("utf8").on("data", (chunk) => {
		text += chunk;
	});
	const lines = () => text.split("\n").filter((line) => line !== "");
	return { broker: openStdoutBroker({ output, prints }), received: () => lines().map((line) => JSON.parse(line)) };
});

describe("printed messages", () => {
	const message = (topic: string) => ({ topic, payload: { a: 1 }, retain: false, deliver: "every" as const });

	it("are those of the topics asked for", async () => {
		const output = new PassThrough();
		const broker = openStdoutBroker({ output, prints });
		await broker.send(message("x/status"));
		await broker.send(message("x/predictions"));
		assert.equal(output.read().toString(), '{"a":1}\n');
	});

	it("wait for a slow reader", async () => {
		const output = new PassThrough({ highWaterMark: 4 });
		const broker = openStdoutBroker({ output, prints });
		let done = false;
		const sent = broker.send(message("x/predictions")).then(() => {
			done = true;
		});
		await turn();
		assert.equal(done, false);
		output.resume();
		await sent;
	});

	it("are dropped and counted when the reader has gone away", async () => {
		const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
		const broker = openStdoutBroker({ output, prints });
		await broker.send(message("x/predictions"));
		await turn();
		await broker.send(message("x/predictions"));
		assert.deepEqual([broker.connected, broker.dropped], [false, 1]);
		await broker.close(1000);
	});

	it("do not hold up the end when nobody reads", async () => {
		const output = new PassThrough({ highWaterMark: 4 });
		const broker = openStdoutBroker({ output, prints });
		void broker.send(message("x/predictions"));
		const start = performance.now();
		await broker.close(50);
		assert.ok(performance.now() - start < 1000);
	});
});
