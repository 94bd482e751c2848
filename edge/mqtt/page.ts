import { jsonSchemaOf, type Topic, topics } from "./topics.js";

/** docs/mqtt.md: every topic with what it says, an example and its payload's JSON Schema. */
export const page = (): string =>
	[
		"# MQTT",
		"",
		"<!-- Written by `npx acclimate schema --mqtt`; change messages.ts and topics.ts in edge/mqtt instead. -->",
		"",
		INTRODUCTION,
		"",
		"| topic | | retained | arrives |",
		"| ----- | - | -------- | ------- |",
		...topics.map(row),
		"",
		...topics.flatMap(section),
	].join("\n");

const INTRODUCTION = `All topics begin with \`mqtt.topic\` of the configuration, \`acclimate\` by default. \`<camera>\` is a camera's name. Everything is
sent at QoS 1. Payloads are words or objects in JSON; pass over fields that are not described here, because later versions
may add some.

**Every message arrives** where the table says so: in order, at least once, over outages of the broker and over restarts. Its
\`seq\` counts the topic's messages without a gap, over all runs. So whoever has seen all numbers has seen all messages, a
number seen before is a repetition, and one that is missing is told on the camera's \`gap\` topic. Messages wait on disk until
the broker has acknowledged them, up to the size and age of \`mqtt.outbox\`; what waited is sent at 500 messages a second at
most. A message is stored before it is sent, in groups of 25 milliseconds. \`kill -9\` therefore costs at most the predictions of
that time, which nobody has seen, and a power cut what the disk had not written yet, in which case the numbers that were
lost are given to other messages, with another \`publishedAt\`.

**Only the last one counts** of the other topics: they are sent at once, past what waits, and again on every connect.

Whoever publishes a command or a request must not retain it; retained ones are passed over. Nothing that is sent to
acclimate can name a source, an argument of ffmpeg or a file. Payloads above 16 kB are passed over.`;

const row = ({ topic, to, retained, deliver, about }: Topic): string => {
	const anchor = topic.toLowerCase().replace(/[^a-z0-9 -]/g, "");
	const first = about.split(/(?<=[.;:]) /)[0].replace(/[;:]$/, ".");
	const arrives = to === "acclimate" ? "to acclimate" : deliver === "every" ? "every one" : "the last one";
	return `| [\`${topic}\`](#${anchor}) | ${first} | ${retained ? "yes" : "no"} | ${arrives} |`;
};

const section = ({ topic, about, payload, example }: Topic): string[] => [
	`## \`${topic}\``,
	"",
	about,
	"",
	typeof example === "string" ? `    ${example}` : indented(example),
	"",
	"<details><summary>JSON Schema</summary>",
	"",
	indented(jsonSchemaOf(payload)),
	"",
	"</details>",
	"",
];

const indented = (value: unknown): string => JSON.stringify(value, undefined, 2).replace(/^/gm, "    ");
