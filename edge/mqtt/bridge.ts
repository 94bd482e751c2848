import type { Logger } from "pino";
import type { z } from "zod";
import type { Incoming } from "../../adapters/broker.options.js";
import type { Broker, Bundle, Command, DomainRecord } from "../../operators/types.js";
import { version } from "../paths.js";
import type { Restarts } from "../restarts.js";
import type { Vitals } from "../telemetry/vitals.js";
import type { Controls } from "./controls.js";
import { discoveryFilter, openDiscovery } from "./discovery.js";
import { type answers, type Request, requests } from "./messages.js";

/** What a command for one camera is called on its topic. */
const WORDS: Readonly<Record<string, Command>> = {
	ON: { do: "on" },
	FREEZE: { do: "freeze" },
	RESET: { do: "reset" },
	ROLLBACK: { do: "rollback" },
};

/** Milliseconds between two messages on how it runs. */
const HEALTH = 30_000;
/** Milliseconds that a request waits for its camera's next round, or for its source to be closed. */
const PATIENCE = 5_000;
/** Requests that wait for their turn. */
const MOST = 32;

export interface BridgeOptions {
	readonly broker: Broker;
	/** The base topic. */
	readonly base: string;
	readonly bundle: Bundle;
	readonly vitals: Vitals;
	readonly controls: Controls;
	readonly restarts: Restarts;
	/** Whether Home Assistant is told of the cameras. */
	readonly discovery: boolean;
	/** What is stored of a camera's domains. */
	readonly domains: (camera: string) => Promise<readonly DomainRecord[]>;
	readonly log: Logger;
}

/** What is said of the daemon as a whole, and what can be asked of it. Nothing that is heard names a file or a source. */
export interface Bridge {
	/** Takes an incoming message, whatever it may be. */
	hear(message: Incoming): void;
	/** Says how it runs and, where the cameras are others than before, what runs; it does so now and then by itself. */
	tell(): void;
	close(): void;
}

/** What a bridge wants to hear. */
export const filtersOf = (base: string, discovery: boolean): readonly string[] => [
	`${base}/+/adaptation/set`,
	`${base}/bridge/request/#`,
	...(discovery ? [discoveryFilter(base)] : []),
];

class Refusal extends Error {}

type Answers = { readonly [R in Request]: z.input<(typeof answers)[R]> };

export const openBridge = (options: BridgeOptions): Bridge => {
	const { broker, base, bundle, vitals, controls, restarts, domains, log } = options;
	const began = Date.now();
	const stamp = () => ({ schema: 1 as const, publishedAt: new Date().toISOString() });

	const cameras = (): Answers["cameras"] =>
		Object.fromEntries(
			[...vitals.cameras].map(([name, { status, tally, domain }]) => {
				const { frames, predictions, dropped, failed } = tally;
				const id = typeof domain?.id === "string" ? domain.id : null;
				return [name, { status, frames, predictions, dropped, failed, domain: id }];
			}),
		);
	const info = (): Answers["info"] => {
		const { name, model, labels } = bundle.manifest;
		return {
			...stamp(),
			version,
			startedAt: new Date(began).toISOString(),
			model: { name, sha256: model.sha256, labels: [...labels] },
			cameras: [...vitals.cameras.keys()],
		};
	};
	const health = (): Answers["health"] => ({
		...stamp(),
		uptime: (Date.now() - began) / 1e3,
		rss: process.memoryUsage.rss(),
		outbox: { waiting: broker.waiting, dropped: broker.dropped },
		cameras: cameras(),
	});

	/** The name of a camera that is watched. */
	const watched = (camera: string): string => {
		const status = vitals.cameras.get(camera)?.status;
		if (status === undefined) throw new Refusal(`there is no camera ${camera}`);
		if (status === "disabled") throw new Refusal(`the camera ${camera} is switched off`);
		return camera;
	};
	/** Resolves when that which was asked for has been done, for no reason against it. */
	const done = async (asked: Promise<string | undefined>): Promise<Record<string, never>> => {
		const refusal = await asked;
		if (refusal !== undefined) throw new Refusal(refusal);
		return {};
	};
	const commanded = async (camera: string, command: Command) => done(controls.give(watched(camera), command, PATIENCE));

	const serve: { readonly [R in Request]: (request: z.output<(typeof requests)[R]>) => Promise<Answers[R]> } = {
		info: async () => info(),
		health: async () => health(),
		cameras: async () => cameras(),
		"cameras/restart": async ({ camera }) => done(restarts.restart(watched(camera), PATIENCE)),
		domains: async ({ camera }) =>
			(await domains(watched(camera))).map(({ id, name, visits, steps, madeAt, lastUsedAt }) => ({
				...{ id, name, visits, steps },
				madeAt: new Date(madeAt).toISOString(),
				lastUsedAt: new Date(lastUsedAt).toISOString(),
			})),
		"domains/rename": ({ camera, domain, name }) => commanded(camera, { do: "rename", domain, name }),
		"domains/remove": ({ camera, domain }) => commanded(camera, { do: "remove", domain }),
	};

	const say = (topic: string, payload: object, retain: boolean) =>
		void broker.send({ topic: `${base}/bridge/${topic}`, payload, retain, deliver: "last" });

	const answer = async (request: Request, payload: string): Promise<void> => {
		let transaction: string | undefined;
		const respond = (outcome: object) =>
			say(`response/${request}`, { ...stamp(), ...outcome, ...(transaction !== undefined && { transaction }) }, false);
		try {
			const given = parsed(payload);
			if (typeof given.transaction === "string") transaction = given.transaction.slice(0, 64);
			const checked = requests[request].safeParse(given);
			if (!checked.success) throw new Refusal(complaint(checked.error));
			respond({ status: "ok", data: await serve[request](checked.data as never) });
		} catch (error) {
			if (!(error instanceof Refusal)) log.error({ error: (error as Error).message }, `request ${request}`);
			respond({ status: "error", error: error instanceof Refusal ? error.message : "it failed; the log says why" });
		}
	};

	/** Requests one after the other. */
	let turn = Promise.resolve();
	let waiting = 0;
	const enqueue = (request: Request, payload: string) => {
		if (waiting >= MOST) return log.warn({ request }, "too many requests: one is passed over");
		waiting++;
		turn = turn.then(() => answer(request, payload)).finally(() => waiting--);
	};

	const command = async (camera: string, word: string): Promise<void> => {
		const given = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
		const expected = `expected ${Object.keys(WORDS).join(", ")}`;
		const refusal = given
			? vitals.cameras.has(camera)
				? await controls.give(camera, given)
				: "there is no such camera"
			: expected;
		if (refusal === undefined) log.info({ camera, command: given?.do }, "a command was obeyed");
		else log.warn({ camera, command: word.slice(0, 32) }, `a command is passed over: ${refusal}`);
	};

	const discovery = options.discovery
		? openDiscovery({ broker, base, version, model: bundle.manifest.name })
		: undefined;
	let cameraNames = "";
	const tell = () => {
		say("health", health(), true);
		const names = [...vitals.cameras.keys()];
		if (names.join() === cameraNames) return;
		cameraNames = names.join();
		say("info", info(), true);
		discovery?.update(names);
	};
	tell();
	const beat = setInterval(tell, HEALTH);
	beat.unref();

	return {
		hear(message) {
			const { topic, payload, retained } = message;
			if (!topic.startsWith(`${base}/`)) return discovery?.hear(message);
			const [first, ...rest] = topic.slice(base.length + 1).split("/");
			const request = rest.slice(1).join("/");
			if (retained) log.warn({ topic: topic.slice(0, 128) }, "a command that the broker had kept is passed over");
			else if (first !== "bridge") void command(first, payload.trim());
			else if (Object.hasOwn(requests, request)) enqueue(request as Request, payload);
			else log.warn({ request: request.slice(0, 64) }, "there is no such request");
		},
		tell,
		close: () => clearInterval(beat),
	};
};

/** A request's payload: an object in JSON, or nothing. */
const parsed = (payload: string): Record<string, unknown> => {
	try {
		const given: unknown = JSON.parse(payload.trim() || "{}");
		if (typeof given === "object" && given !== null && !Array.isArray(given)) return given as Record<string, unknown>;
	} catch {}
	throw new Refusal("expected an object in JSON");
};

const complaint = ({ issues }: z.ZodError): string =>
	issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
