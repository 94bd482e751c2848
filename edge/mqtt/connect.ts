import { join } from "node:path";
import type { Logger } from "pino";
import { openBroker, redact } from "../../adapters/broker.js";
import type { Incoming } from "../../adapters/broker.options.js";
import { type Lost, openOutbox } from "../../adapters/outbox.js";
import type { Config } from "../../config/schema.js";
import type { Broker } from "../../operators/types.js";
import { stamped } from "../outlet.js";
import type { Vitals } from "../telemetry/vitals.js";
import { filtersOf } from "./bridge.js";
import { filesOf } from "./tls.js";

/** Connects to the configured broker, with an outbox in the store's folder. */
export const connect = (
	mqtt: NonNullable<Config["mqtt"]>,
	store: string,
	vitals: Vitals,
	log: Logger,
	hear: (message: Incoming) => void,
): Broker => {
	const { topic: base, outbox, predictions: _, discovery, tls, version, ...connection } = mqtt;
	const topic = `${base}/available`;
	return openBroker({
		...connection,
		version,
		...(tls && { tls: filesOf(tls) }),
		outbox: openOutbox({
			...outbox,
			directory: join(store, "outbox"),
			announce: { topic: gapTopic, payload: (lost, seq) => JSON.stringify(gapPayload(lost, seq)) },
			onWarning: (message) => log.warn(message),
		}),
		birth: { topic, payload: "online" },
		farewell: { topic, payload: "stopped" },
		will: { topic, payload: "offline" },
		listen: { filters: filtersOf(base, discovery !== "none"), onMessage: hear },
		onEvent: ({ type, ...details }) => {
			if (type === "connected") vitals.droppedBefore = vitals.broker?.dropped ?? 0;
			log[type === "connected" ? "info" : "warn"]({ broker: redact(mqtt.url), ...details }, `broker: ${type}`);
		},
	});
};

/** A camera's losses are told beside what was lost: `<base>/<camera>/gap`. */
const gapTopic = (of: string) => of.replace(/[^/]+$/, "gap");

const gapPayload = (lost: readonly Lost[], seq: number) => {
	const camera = lost[0].topic.split("/").at(-2) as string;
	const ranges = lost.map(({ topic, ...range }) => ({ channel: topic.split("/").at(-1), ...range }));
	return stamped(seq, camera, { lost: ranges });
};
