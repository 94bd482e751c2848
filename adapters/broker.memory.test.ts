import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brokerContract } from "./broker.contract.js";
import { openMemoryBroker } from "./broker.memory.js";

brokerContract("in memory", async () => {
	const broker = openMemoryBroker();
	return { broker, received: () => broker.messages.map(({ payload }) => payload) };
});

describe("a broker in memory that is away", () => {
	it("keeps the newest messages and counts the others", async () => {
		const broker = openMemoryBroker({ queueLimit: 3 });
		broker.connected = false;
		for (let seq = 0; seq < 5; seq++)
			await broker.send({ topic: "t", payload: { seq }, retain: false, deliver: "every" });
		assert.deepEqual([broker.messages.length, broker.dropped], [0, 2]);
		broker.connected = true;
		assert.deepEqual(
			broker.messages.map(({ payload }) => payload),
			[{ seq: 2 }, { seq: 3 }, { seq: 4 }],
		);
	});
});
