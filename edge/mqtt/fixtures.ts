import { after } from "node:test";
import { connectAsync } from "mqtt";
import { openFaultyProxy } from "../../adapters/faulty-proxy.js";
import { type TestBroker, testBroker } from "../fixtures.js";

// What the tests of what goes over MQTT have in common.

/** A function that opens a test's broker behind a proxy, with somebody at the broker who takes down what comes. */
export const listener = () => {
	const opened: Listening[] = [];
	after(async () => {
		for (const { consumer, proxy } of opened) {
			await consumer.endAsync(true);
			await proxy.close();
		}
	});
	const open = testBroker();
	return async () => {
		const listening = await openListening(await open());
		opened.push(listening);
		return listening;
	};
};

export type Listening = Awaited<ReturnType<typeof openListening>>;

const openListening = async (broker: TestBroker) => {
	const proxy = await openFaultyProxy(broker.url);
	const consumer = await connectAsync(broker.url);
	const received: { topic: string; text: string; retain: boolean }[] = [];
	consumer.on("message", (topic, payload, { retain }) => {
		received.push({ topic, text: String(payload), retain });
	});
	await consumer.subscribeAsync(["acclimate/#", "homeassistant/#"], { qos: 1 });
	const on = (topic: string) => received.filter((message) => message.topic === `acclimate/${topic}`);
	/** What the broker keeps under a topic, wherever it is. */
	const kept = new Map<string, string>();
	consumer.on("message", (topic, payload) => kept.set(topic, String(payload)));
	return {
		broker,
		proxy,
		consumer,
		kept,
		/** Texts that arrived under a topic below the base topic. */
		on: (topic: string) => on(topic).map(({ text }) => text),
		/** Sequence numbers of the predictions in the order of their first arrival. */
		seqs: () => [...new Set(on("road/predictions").map(({ text }) => JSON.parse(text).seq as number))],
		last: (topic: string) => on(topic).at(-1)?.text,
	};
};
