import { z } from "zod";
import { CAMERA_REASONS, type CameraReason } from "../../operators/types.js";

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

export const prediction = z.object({
	...counted,
	frame: count(
		"Counts the frames that the camera delivered, from 0 each time its source is opened; a jump is frames that were dropped.",
	),
	region: z.string().optional().describe("The part of the picture, where the configuration names parts."),
	capturedAt: at("When the frame arrived from the camera"),
	label,
	score,
	top: z.array(z.object({ label, score })).optional().describe("The likeliest classes; not in the compact form."),
	domain: domain.optional().describe("Not in the compact form."),
});

export const STATUS = ["online", "offline", "disabled"] as const;

const REASONS = Object.keys(CAMERA_REASONS) as CameraReason[];
const meanings = REASONS.map((reason) => `\`${reason}\`, ${CAMERA_REASONS[reason]}`).join("; ");

export const state = z.object({
	...counted,
	state: z.enum(STATUS).describe("As on the status topic."),
	reason: nullable(z.enum(REASONS), `Why no frames come: ${meanings}; null where they come, or none are expected.`),
	since: at("Since when it is so"),
	retries: count("How often it was opened anew in vain."),
});

export const domainState = z.object({
	...counted,
	id: z.string().describe("Of the domain; the same when it comes back."),
	name: z.string().describe("What people call it."),
	since: at("When this visit began"),
	visits: z.int().min(1).describe("1 on the first visit."),
	status: z
		.enum(["looking", "matched", "new"])
		.describe(
			"`looking` until enough was seen of it, then found among the stored domains or not. Where what is stored turns out not to fit, the visit goes on under another id: that of another stored domain, or a new one.",
		),
	score: nullable(z.number(), "How far the batch that began it was from the domain before."),
	distance: nullable(z.number(), "How far the nearest stored domain is that it may be."),
});

export const adaptation = z.object({
	...counted,
	state: z
		.enum(["learning", "holding", "frozen"])
		.describe("Whether the model has moved since the last message, has stayed, or must stay."),
	domain,
	steps: count("Steps of learning taken by this run: sweeps, or zeroth-order ones."),
	droppedSteps: count("Steps that were not taken, because their loss was not finite."),
	loss: nullable(z.number(), "Of the last step."),
	aligned: z.boolean().describe("Whether statistics are aligned in closed form."),
	smoothing: count(
		"How often pictures of this domain are smoothed before the model sees them, against noise; by `adapt.method: zoa+` alone.",
	),
	gain: z
		.number()
		.max(1)
		.optional()
		.describe(
			"With `adapt.method: zoa+`, since the domain's first sweep, over all visits: how much less out of line with the source's statistics the frames that the last sweep looked at are than with the model as it was prepared, 1 − residual / residual of the source. A residual is the mean, over all sites behind the stem, of the shift score between the moments seen there and the source's for the classes predicted, in tolerances of the site. 0: the source's parameters stand; 1: nothing is out of line any more; below 0: more is. Measured without labels: it is not accuracy.",
		),
});

export const gap = z.object({
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

export const info = z.object({
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
	dropped: count(
		"Frames that were not: nobody took them in time, or what came out of the model for them was no number.",
	),
	failed: count(
		"Frames for which what was learned gave no numbers: the model as it was prepared predicted them, or they are among `dropped`.",
	),
};

export const health = z.object({
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

export const sensor = z.object({
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
	"cameras/restart": z.object({ camera: name("Which one."), transaction }),
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
	"cameras/restart": z.object({}),
	domains: z.array(known),
	"domains/rename": z.object({}),
	"domains/remove": z.object({}),
} as const satisfies Record<Request, z.ZodType>;

export const response = (data: z.ZodType) =>
	z.object({
		...current,
		status: z.enum(["ok", "error"]).describe("Whether it was done."),
		data: data.optional().describe("What was asked for."),
		error: z.string().optional().describe("Why it was not done, in one sentence."),
		transaction,
	});
