import { z } from "zod";
import { CAMERA_REASONS, type CameraReason } from "../../operators/types.js";
import { sensorsOf } from "./discovery.js";

/*
 * Every payload that goes over MQTT, described once: docs/mqtt.md is made of this, requests are checked against it, and so
 * are, in tests, the messages of daemons that run. Consumers should pass over fields that are not described here.
 */

const at = (about: string) => z.iso.datetime().describe(`${about}, UTC.`);
const count = (about: string) => z.int().min(0).describe(about);
const nullable = (type: z.ZodType, about: string) => type.nullable().describe(about);
const name = (about: string) => z.string().min(1).max(64).describe(about);

const version = z.literal(1).describe("Of the payload's shape; another number means that its fields have changed.");
const publishedAt = at("When the message was written; it may arrive much later");

/** What the messages say of which every single one arrives. */
const counted = {
	schema: version,
	seq: count(
		"Counts the topic's messages from 0 without a gap, over all runs; the same number again is the same message.",
	),
	camera: name("The camera's name in the configuration."),
	publishedAt,
};

/** What the messages say of which only the last one counts. */
const current = { schema: version, publishedAt };

const score = z.number().min(0).max(1).describe("Probability, 0 to 1.");
const label = z.string().describe("The class, one of `model.labels` in bridge/info.");
const domain = z.string().describe("The domain at hand: `id` on the camera's domain topic.");

const prediction = z.object({
	...counted,
	frame: count("Counts the frames that the camera delivered; a jump is frames that were dropped."),
	region: z.string().optional().describe("The part of the picture, where the configuration names parts."),
	capturedAt: at("When the frame arrived from the camera"),
	label,
	score,
	top: z.array(z.object({ label, score })).optional().describe("The likeliest classes; not in the compact form."),
	domain: domain.optional().describe("Not in the compact form."),
});

const STATUS = ["online", "offline", "disabled"] as const;

const REASONS = Object.keys(CAMERA_REASONS) as CameraReason[];
const meanings = REASONS.map((reason) => `\`${reason}\`, ${CAMERA_REASONS[reason]}`).join("; ");

const state = z.object({
	...counted,
	state: z.enum(STATUS).describe("As on the status topic."),
	reason: nullable(z.enum(REASONS), `Why no frames come: ${meanings}; null where they come, or none are expected.`),
	since: at("Since when it is so"),
	retries: count("How often it was opened anew in vain."),
});

const domainState = z.object({
	...counted,
	id: z.string().describe("Of the domain; the same when it comes back."),
	name: z.string().describe("What people call it."),
	since: at("When this visit began"),
	visits: z.int().min(1).describe("1 on the first visit."),
	status: z
		.enum(["looking", "matched", "new"])
		.describe("`looking` until it was seen for a window, then found among the stored domains or not."),
	score: nullable(z.number(), "How far the batch that began it was from the domain before."),
	distance: nullable(z.number(), "How far the nearest stored domain is."),
});

const adaptation = z.object({
	...counted,
	state: z
		.enum(["learning", "holding", "frozen"])
		.describe("Whether the model has moved since the last message, has stayed, or must stay."),
	domain,
	steps: count("Zeroth-order steps taken by this run."),
	droppedSteps: count("Steps that were not taken, because their loss was not finite."),
	loss: nullable(z.number(), "Of the last step."),
	aligned: z.boolean().describe("Whether statistics are aligned in closed form."),
});

const gap = z.object({
	...counted,
	lost: z
		.array(
			z.object({
				channel: z.string().describe("The last level of the topic whose messages are lost."),
				from: count("Their first `seq`."),
				to: count("Their last `seq`."),
				reason: z
					.enum(["size", "age", "disk"])
					.describe("The outbox's limit that they fell to; disk: they could not be stored."),
			}),
		)
		.min(1)
		.describe("Ranges of messages that nobody will get."),
});

const info = z.object({
	...current,
	version: z.string().describe("Of acclimate."),
	startedAt: at("When this run began"),
	model: z.object({
		name: z.string().describe("Of the bundle."),
		sha256: z.string().describe("Of the model."),
		labels: z.array(z.string()).describe("The classes."),
	}),
	cameras: z.array(z.string()).describe("Their names; each has topics of its own."),
});

const tally = {
	frames: count("Frames that the source delivered: `predictions` and `dropped` together."),
	predictions: count("Frames that were predicted."),
	dropped: count("Frames that were not."),
};

const health = z.object({
	...current,
	uptime: z.number().min(0).describe("Seconds since this run began."),
	rss: count("Bytes of memory that the process holds."),
	outbox: z.object({
		waiting: count("Messages that are not acknowledged yet."),
		dropped: count("Messages that nobody will get."),
	}),
	cameras: z
		.record(
			z.string(),
			z.object({
				status: z.enum(["starting", ...STATUS]),
				...tally,
				domain: nullable(z.string(), "The domain at hand."),
			}),
		)
		.describe("By name."),
});

const availability = z.object({
	topic: z.string(),
	value_template: z.string().describe("Makes two states of ours, which are three."),
});

const sensor = z.object({
	name: z.string(),
	unique_id: z.string(),
	state_topic: z.string(),
	json_attributes_topic: z.string(),
	value_template: z.string(),
	icon: z.string(),
	entity_category: z.literal("diagnostic").optional(),
	device_class: z.literal("enum").optional(),
	options: z.array(z.string()).optional(),
	qos: z.literal(1),
	availability: z.array(availability),
	availability_mode: z.literal("all"),
	device: z.object({
		identifiers: z.array(z.string()),
		name: z.string(),
		manufacturer: z.string(),
		model: z.string(),
		sw_version: z.string(),
	}),
	origin: z.object({ name: z.string(), sw_version: z.string() }),
});

const transaction = z
	.string()
	.max(64)
	.optional()
	.describe("Any text; the response repeats it, so that whoever asked knows it.");

/** What can be asked for, by the end of the topic. */
export const requests = {
	info: z.object({ transaction }),
	health: z.object({ transaction }),
	cameras: z.object({ transaction }),
	domains: z.object({ camera: name("Whose domains."), transaction }),
	"domains/rename": z.object({
		camera: name("Whose domain."),
		domain: name("The domain's `id`."),
		name: name("What it is to be called.").regex(/^[^\p{Cc}]+$/u),
		transaction,
	}),
	"domains/remove": z.object({ camera: name("Whose domain."), domain: name("The domain's `id`."), transaction }),
} as const;

export type Request = keyof typeof requests;

const known = z.object({
	id: z.string(),
	name: z.string(),
	visits: z.int().min(0),
	steps: z.int().min(0),
	madeAt: at("When it was stored first"),
	lastUsedAt: at("When it was stored last"),
});

/** What the answers' `data` hold. */
export const answers = {
	info,
	health,
	cameras: health.shape.cameras,
	domains: z.array(known),
	"domains/rename": z.object({}),
	"domains/remove": z.object({}),
} as const satisfies Record<Request, z.ZodType>;

const response = (data: z.ZodType) =>
	z.object({
		...current,
		status: z.enum(["ok", "error"]).describe("Whether it was done."),
		data: data.optional().describe("What was asked for."),
		error: z.string().optional().describe("Why it was not done, in one sentence."),
		transaction,
	});

export interface Topic {
	/** Below the base topic, but for Home Assistant's. */
	readonly topic: string;
	/** Who reads it. */
	readonly to: "consumers" | "acclimate";
	readonly retained: boolean;
	/** `every`: each message arrives, in order, with a `seq` that proves it; `last`: only the newest counts. */
	readonly deliver: "every" | "last";
	readonly about: string;
	readonly payload: z.ZodType;
	readonly example: unknown;
}

const HOME_ASSISTANT = "homeassistant/";

const time = (second: number) => `2026-11-26T21:40:${String(second).padStart(2, "0")}.000Z`;
const example = { schema: 1, seq: 41, camera: "road", publishedAt: time(7) };
const exampleInfo = {
	schema: 1,
	publishedAt: time(0),
	version: "0.1.0",
	startedAt: time(0),
	model: {
		name: "vehicles",
		sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		labels: ["car", "truck"],
	},
	cameras: ["road"],
};
const exampleCameras = { road: { status: "online", frames: 42, predictions: 40, dropped: 2, domain: "d1" } };
const exampleHealth = {
	schema: 1,
	publishedAt: time(30),
	uptime: 30,
	rss: 262_144_000,
	outbox: { waiting: 3, dropped: 0 },
	cameras: exampleCameras,
};
const exampleData: Readonly<Record<Request, unknown>> = {
	info: exampleInfo,
	health: exampleHealth,
	cameras: exampleCameras,
	domains: [{ id: "d1", name: "fog", visits: 3, steps: 12, madeAt: time(1), lastUsedAt: time(5) }],
	"domains/rename": {},
	"domains/remove": {},
};
const exampleRequest: Readonly<Record<Request, object>> = {
	info: { transaction: "a1" },
	health: { transaction: "a2" },
	cameras: { transaction: "a3" },
	domains: { camera: "road", transaction: "a4" },
	"domains/rename": { camera: "road", domain: "d1", name: "fog", transaction: "a5" },
	"domains/remove": { camera: "road", domain: "d1", transaction: "a6" },
};
const wanted: Readonly<Record<Request, string>> = {
	info: "The same as on bridge/info.",
	health: "The same as on bridge/health, but of this moment.",
	cameras: "How each camera is.",
	domains: "What is stored of a camera's domains.",
	"domains/rename": "Another name for a domain.",
	"domains/remove": "Forgets a domain, unless it is the one at hand.",
};

const told = (
	topic: string,
	about: string,
	payload: z.ZodType,
	example: unknown,
	{ retained = true, deliver = "every" }: Partial<Pick<Topic, "retained" | "deliver">> = {},
): Topic => ({ topic, to: "consumers", retained, deliver, about, payload, example });

/** Every topic below the base topic. */
export const topics: readonly Topic[] = [
	told(
		"available",
		"Whether acclimate is there: `stopped` after an orderly end, `offline` by last will. Told anew on every connect.",
		z.enum(["online", "stopped", "offline"]),
		"online",
		{ deliver: "last" },
	),
	told("<camera>/status", "Whether frames come.", z.enum(STATUS), "online", { deliver: "last" }),
	told("<camera>/state", "The status and why it is so; on change and after every retry.", state, {
		...example,
		state: "offline",
		reason: "timeout",
		since: time(2),
		retries: 2,
	}),
	told(
		"<camera>/predictions",
		"What the model says of a frame. `mqtt.predictions` chooses the form, and of which frames.",
		prediction,
		{
			...example,
			frame: 123,
			capturedAt: time(6),
			label: "truck",
			score: 0.9321,
			top: [
				{ label: "truck", score: 0.9321 },
				{ label: "car", score: 0.0502 },
			],
			domain: "d1",
		},
		{ retained: false },
	),
	told("<camera>/domain", "The kind of conditions that the camera sees; on change.", domainState, {
		...example,
		id: "d2",
		name: "fog",
		since: time(5),
		visits: 3,
		status: "matched",
		score: 0.81,
		distance: 0.07,
	}),
	told("<camera>/adaptation", "How learning goes; every five seconds at most, and after every command.", adaptation, {
		...example,
		state: "learning",
		domain: "d2",
		steps: 12,
		droppedSteps: 0,
		loss: 3.21,
		aligned: true,
	}),
	told(
		"<camera>/gap",
		"Messages that were lost at the outbox's limits, in their place.",
		gap,
		{ ...example, lost: [{ channel: "predictions", from: 17, to: 40, reason: "size" }] },
		{ retained: false },
	),
	{
		topic: "<camera>/adaptation/set",
		to: "acclimate",
		retained: false,
		deliver: "last",
		about:
			"What a camera's learning is to do. `FREEZE`: the model stays as it is, `ON`: it learns again. `RESET`: back to the model as it was prepared. `ROLLBACK`: back to what was stored last of the domain at hand, or else to the last checkpoint. The adaptation topic answers. A retained command is passed over.",
		payload: z.enum(["ON", "FREEZE", "RESET", "ROLLBACK"]),
		example: "FREEZE",
	},
	told("bridge/info", "What runs here; at the start.", info, exampleInfo, { deliver: "last" }),
	told("bridge/health", "How it runs; every thirty seconds.", health, exampleHealth, { deliver: "last" }),
	...(Object.keys(requests) as Request[]).flatMap((request): Topic[] => [
		{
			topic: `bridge/request/${request}`,
			to: "acclimate",
			retained: false,
			deliver: "last",
			about: wanted[request],
			payload: requests[request],
			example: exampleRequest[request],
		},
		told(
			`bridge/response/${request}`,
			"The answer.",
			response(answers[request]),
			{ schema: 1, publishedAt: time(8), status: "ok", data: exampleData[request], ...exampleTransaction(request) },
			{ retained: false, deliver: "last" },
		),
	]),
	told(
		`${HOME_ASSISTANT}sensor/<base>/<camera>_<sensor>/config`,
		"With `mqtt.discovery: homeassistant`, what Home Assistant is to show of a camera: `label`, `domain` and `adaptation`. Characters of the base topic that it does not take become _. Empty once the camera is gone.",
		sensor,
		[...sensorsOf("road", { base: "acclimate", version: "0.1.0", model: "vehicles" }).values()][0],
		{ deliver: "last" },
	),
];

function exampleTransaction(request: Request): object {
	const { transaction } = exampleRequest[request] as { transaction: string };
	return { transaction };
}

/** The description of a topic as it is on the wire. */
export const topicOf = (wire: string, base: string): Topic | undefined =>
	topics.find(({ topic }) => {
		const levels = topic.split("/");
		const below = wire.startsWith(`${base}/`) ? wire.slice(base.length + 1) : "";
		const given = (topic.startsWith(HOME_ASSISTANT) ? wire : below).split("/");
		return given.length === levels.length && levels.every((level, i) => level.startsWith("<") || level === given[i]);
	});

/** A payload's JSON Schema: draft 2020-12, open to fields that later versions may add. */
export const jsonSchemaOf = (payload: z.ZodType): object => {
	const { $schema: _, ...schema } = z.toJSONSchema(payload, {
		io: "input",
		// The format says the same in a word.
		override: ({ jsonSchema }) => void (jsonSchema.format === "date-time" && delete jsonSchema.pattern),
	});
	return schema;
};
