import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { jsonSchemaOf, type Topic, topicOf, topics } from "./topics.js";

// What docs/mqtt.md promises to consumers, as whoever stands at a broker in tests and soaks holds payloads against it.

const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);

/** Validators of every topic's payload, by its JSON Schema. */
const validators: ReadonlyMap<Topic, ValidateFunction> = new Map(
	topics.map((topic) => [topic, ajv.compile(jsonSchemaOf(topic.payload))]),
);

/** What a payload is to a program that reads it: what its JSON says, or else a word. */
const payloadOf = (text: string): unknown => {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
};

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

/** Problems that are named; a fault in predictions is one in thousands of them. */
const NAMED = 20;

/** Holds every payload that it is told of against its topic's JSON Schema, and keeps what is wrong with them. */
export const openJudge = (base?: string) => {
	const problems: string[] = [];
	return {
		/** One sentence for each payload that is not what its topic's JSON Schema says, but not for more than twenty. */
		problems: problems as readonly string[],
		judge(topic: string, payload: string): void {
			const problem = problems.length < NAMED ? problemOf(topic, payload, base) : undefined;
			if (problem) problems.push(problem);
		},
	};
};
