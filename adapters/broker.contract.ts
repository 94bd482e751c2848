import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Broker, Message } from "../operators/types.js";
import { eventually } from "./fixtures.js";

export interface BrokerUnderTest {
	readonly broker: Broker;
	/** Payloads of what arrived under the topic `t/predictions`, in order. */
	received(): readonly unknown[];
}

/** What every broker does with messages while nothing is in its way. */
export function brokerContract(
	name: string,
	open: () => Promise<BrokerUnderTest>,
	options: { skip?: string | false } = {},
): void {
	describe(`broker: ${name}`, { skip: options.skip ?? false }, () => {
		const message = (seq: number): Message => ({
			topic: "t/predictions",
			payload: { seq, label: "truck" },
			retain: false,
			deliver: "every",
		});

		it("delivers every message once and in order, the last ones before close resolves", async () => {
			const { broker, received } = await open();
			const sent = Array.from({ length: 300 }, (_, seq) => message(seq));
			for (const each of sent) await broker.send(each);
			await broker.close(5000);
			await eventually(() => received().length >= sent.length);
			assert.deepEqual(
				received(),
				sent.map(({ payload }) => payload),
			);
			assert.equal(broker.dropped, 0);
		});

		it("delivers what was not waited for", async () => {
			const { broker, received } = await open();
			const sends = Array.from({ length: 300 }, (_, seq) => broker.send(message(seq)));
			await Promise.all(sends);
			await broker.close(5000);
			await eventually(() => received().length === 300);
		});

		it("delivers what a payload was when it was sent", async () => {
			const { broker, received } = await open();
			const payload = { seq: 1 };
			const sent = broker.send({ ...message(1), payload });
			payload.seq = 2;
			await sent;
			await broker.close(5000);
			await eventually(() => received().length > 0);
			assert.deepEqual(received(), [{ seq: 1 }]);
		});

		it("counts a topic's messages", async () => {
			const { broker } = await open();
			for (let seq = 0; seq < 3; seq++) {
				assert.equal(broker.next("t/predictions"), seq);
				void broker.send(message(seq));
			}
			void broker.send({ ...message(0), deliver: "last" });
			assert.equal(broker.next("t/predictions"), 3);
			assert.equal(broker.next("t/other"), 0);
			await broker.close(5000);
		});

		it("is closed twice without harm, and takes no message after that", async () => {
			const { broker, received } = await open();
			await Promise.all([broker.close(5000), broker.close(5000)]);
			await broker.close(5000);
			await broker.send(message(1));
			assert.equal(broker.connected, false);
			assert.deepEqual(received(), []);
		});
	});
}
