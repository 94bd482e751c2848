import assert from "node:assert/strict";
import { after } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { connectAsync } from "mqtt";
import { openEmbeddedBroker } from "../../adapters/embeddedBroker.js";
import { openFaultyProxy } from "../../adapters/faulty-proxy.js";
import { jsonSchemaOf, type Topic, topicOf, topics } from "./topics.js";

// What the tests of what goes over MQTT have in common.

const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);

/** Validators of every topic's payload, by its JSON Schema. */
const validators: ReadonlyMap<Topic, ValidateFunction> = new Map(
	topics.map((topic) => [topic, ajv.compile(jsonSchemaOf(topic.payload))]),
);

/** What a payload is to a program that reads it: a word, or what its JSON says. */
export const payloadOf = (text: string): unknown => (/^[{["\d]/.test(text) ? JSON.parse(text) : text);

/** Why a payload of ours is not what docs/mqtt.md says of its topic; undefined when it is, or when it is somebody else's. */
export const problemOf = (wire: string, text: string, base = "acclimate"): string | undefined => {
	if (wire.startsWith(`${base}/bridge/request/`)) return;
	// A camera that is gone, in Home Assistant's way.
	if (wire.startsWith("homeassistant/") && text === "") return;
	const topic = topicOf(wire, base);
	if (!topic) return `${wire} is no topic of ours`;
	if (topic.to === "acclimate") return;
	const validate = validators.get(topic) as ValidateFunction;
	return validate(payloadOf(text)) ? undefined : `${wire}: ${ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`;
};

/**
 * A function that opens a broker behind a proxy, with somebody at the broker who takes down what comes. When the tests of
 * this file are over every payload must have been what its JSON Schema says.
 */
export const listener = () => {
	const opened: Listening[] = [];
	after(async () => {
		for (const { consumer, proxy, broker } of opened) {
			await consumer.endAsync(true);
			await proxy.close();
			await broker.close();
		}
		assert.deepEqual(
			opened.flatMap(({ problems }) => problems),
			[],
		);
	});
	return async () => {
		const listening = await openListening();
		opened.push(listening);
		return listening;
	};
};

export type Listening = Awaited<ReturnType<typeof openListening>>;

const openListening = async () => {
	const broker = await openEmbeddedBroker();
	const proxy = await openFaultyProxy(broker.url);
	const consumer = await connectAsync(broker.url);
	const received: { topic: string; text: string; retain: boolean }[] = [];
	const problems: string[] = [];
	consumer.on("message", (topic, payload, { retain }) => {
		const text = String(payload);
		received.push({ topic, text, retain });
		const problem = problemOf(topic, text);
		if (problem) problems.push(problem);
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
		problems,
		kept,
		/** Texts that arrived under a topic below the base topic. */
		on: (topic: string) => on(topic).map(({ text }) => text),
		/** Sequence numbers of the predictions in the order of their first arrival. */
		seqs: () => [...new Set(on("road/predictions").map(({ text }) => JSON.parse(text).seq as number))],
		last: (topic: string) => on(topic).at(-1)?.text,
	};
};
