import { z } from "zod";
import { duration, path, size, text, whole } from "./values.js";

const MQTT_URL = "expected the broker's URL, such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss)";

function isBrokerUrl(value: string): boolean {
	const url = URL.canParse(value) ? new URL(value) : undefined;
	return url !== undefined && /^(mqtts?|wss?):$/.test(url.protocol) && url.hostname !== "";
}

const TOPIC = "expected a topic such as site/north: no spaces, + or #, no / at its ends, no $ at its start";

const outbox = z.strictObject({
	size: size("1MB", "100GB")
		.prefault("256MB")
		.describe("Most that messages take on disk while they wait; then the oldest go, and the gap is told."),
	age: duration("10000h")
		.prefault("24h")
		.describe("How long a message is worth sending; what is older goes, and the gap is told."),
});

const predictions = z.strictObject({
	form: z
		.enum(["full", "compact"])
		.default("full")
		.describe("What a prediction says: compact leaves out the likeliest classes and the domain."),
	every: whole(1, 100_000)
		.default(1)
		.describe("Of how many frames one is told; the others are predicted and learned from all the same."),
	on: z
		.enum(["frame", "change"])
		.default("frame")
		.describe("Whether each of these is told, or only those whose label or domain is another than was told last."),
});

const tls = z
	.strictObject({
		ca: path("expected the path of a certificate in PEM")
			.exactOptional()
			.describe("The certificate, or a bundle of them, that the broker's is signed by; the system's where absent."),
		cert: path("expected the path of a certificate in PEM")
			.exactOptional()
			.describe("This device's certificate, for brokers that ask for one."),
		key: path("expected the path of a private key in PEM")
			.exactOptional()
			.describe("The private key that belongs to the certificate."),
		rejectUnauthorized: z
			.boolean()
			.default(true)
			.describe("Whether a broker is left alone that cannot prove its name; false invites eavesdroppers."),
	})
	.refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
		path: ["key"],
		error: "a certificate and its private key go together — give both cert and key",
	});

export const mqtt = z
	.strictObject({
		url: text(MQTT_URL)
			.refine(isBrokerUrl, { error: MQTT_URL })
			.describe("The broker's URL, with mqtt, mqtts, ws or wss as its scheme.")
			.meta({ examples: ["mqtt://127.0.0.1:1883"] }),
		username: text("expected a user name").exactOptional().describe("The user name the broker knows this device by."),
		password: text("expected text")
			.exactOptional()
			.describe("The password; better the name of a secret in quotes than the password itself.")
			.meta({ writeOnly: true, examples: ["{ACCLIMATE_MQTT_PASSWORD}"] }),
		clientId: text("expected a client identifier of 1 to 128 characters", 128)
			.exactOptional()
			.describe("The MQTT client identifier, unique at the broker; a random one where absent."),
		topic: text(TOPIC, 256)
			.regex(/^(?!\$)[^+#/\s]+(\/[^+#/\s]+)*$/, { error: TOPIC })
			.refine((topic) => !/\p{Cc}/u.test(topic), { error: TOPIC })
			.default("acclimate")
			.describe("The base topic that every topic of this device begins with."),
		version: z
			.literal(["3.1.1", 5], { error: "expected 3.1.1 or 5" })
			.default("3.1.1")
			.describe("The version of MQTT that is spoken with the broker."),
		tls: tls.exactOptional().describe("How the connection is secured; for mqtts and wss."),
		discovery: z
			.enum(["none", "homeassistant"])
			.default("none")
			.describe("Whether Home Assistant is told of the cameras, each as a device with its sensors."),
		predictions: predictions.prefault({}).describe("Which predictions are told, and in which form."),
		outbox: outbox.prefault({}).describe("Where messages wait on disk until the broker has acknowledged them."),
	})
	.refine(({ username, password }) => password === undefined || username !== undefined, {
		path: ["password"],
		error: "MQTT takes no password without a user name — give username too",
	})
	.refine(({ url, tls }) => tls === undefined || /^(mqtts|wss):/i.test(url), {
		path: ["tls"],
		error: "this connection is not encrypted — write mqtts:// or wss:// in url",
	});
