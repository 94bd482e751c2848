import { z } from "zod";
import { sensorsOf } from "./discovery.js";
import {
	adaptation,
	answers,
	domainState,
	gap,
	health,
	info,
	prediction,
	type Request,
	requests,
	response,
	STATUS,
	sensor,
	state,
} from "./messages.js";

/** One topic, with what docs/mqtt.md says of it. */
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
const exampleCameras = { road: { status: "online", frames: 42, predictions: 40, dropped: 2, failed: 0, domain: "d1" } };
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
	"cameras/restart": {},
	domains: [{ id: "d1", name: "fog", visits: 3, steps: 12, madeAt: time(1), lastUsedAt: time(5) }],
	"domains/rename": {},
	"domains/remove": {},
};
const exampleRequest: Readonly<Record<Request, object>> = {
	info: { transaction: "a1" },
	health: { transaction: "a2" },
	cameras: { transaction: "a3" },
	"cameras/restart": { camera: "road", transaction: "a4" },
	domains: { camera: "road", transaction: "a5" },
	"domains/rename": { camera: "road", domain: "d1", name: "fog", transaction: "a6" },
	"domains/remove": { camera: "road", domain: "d1", transaction: "a7" },
};
const wanted: Readonly<Record<Request, string>> = {
	info: "The same as on bridge/info.",
	health: "The same as on bridge/health, but of this moment.",
	cameras: "How each camera is.",
	"cameras/restart":
		"Ends the ffmpeg that reads a camera's source and starts another; what was learned is kept. Answered when the old one is gone; whether frames come is told on the status topic.",
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
		smoothing: 1,
		gain: 0.62,
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
			"What a camera's learning is to do. `FREEZE`: the model stays as it is, `ON`: it learns again, and a change that was only suspected before is looked for anew. `RESET`: back to the model as it was prepared, in a domain with another id, unless it is found to be a stored one. `ROLLBACK`: back to what learning stored last, of the domain at hand or, where it stored nothing of that, of the camera; what commands have changed is not learning, so it undoes a `RESET` until learning stores anew. The adaptation topic answers. A retained command is passed over.",
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
