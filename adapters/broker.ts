import type { MqttClient } from "mqtt";
import { type Broker, EdgeError } from "../operators/types.js";
import { openConnection, say } from "./broker.connection.js";
import { type BrokerOptions, TIMES } from "./broker.options.js";
import { openPostman } from "./broker.postman.js";

const REPLAY = 500;

/** The part of a deadline in which what waits is sent; the rest is for the farewell. */
const DRAIN = 0.7;

/** Lost messages between two events that tell of it. */
const DROPPING = 1_000;

/** Topics whose last state is remembered. */
const STATES = 1_000;

/** The URL without what must not be printed: credentials and query. */
export function redact(url: string): string {
	try {
		const parsed = new URL(url);
		return `${parsed.protocol}//${parsed.host}${parsed.pathname === "/" ? "" : parsed.pathname}`;
	} catch {
		return url.replace(/\/\/.*@/, "//").replace(/\?.*/, "");
	}
}

/** @throws {EdgeError} `broker` when the URL is not one of a broker */
export function checkUrl(url: string): void {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (!parsed?.hostname || !["mqtt:", "mqtts:", "ws:", "wss:"].includes(parsed.protocol)) {
		throw new EdgeError("broker", `${redact(url)} is not a broker: expected mqtt://, mqtts://, ws:// or wss://`);
	}
}

/**
 * Connects to an MQTT broker, and keeps trying: a broker that is away at the start or later is no error. Returns at once.
 * Every message arrives at least once and in order, over restarts, save those lost at the outbox's limits; the last
 * retained message of each topic is sent again on every connect, for brokers that forget.
 * @throws {EdgeError} `broker` when the URL is not one of a broker
 */
export function openBroker(options: BrokerOptions): Broker {
	checkUrl(options.url);
	const { outbox, onEvent, replay = REPLAY } = options;
	const times = { ...TIMES, ...options.times };

	/** Each topic's last retained payload. */
	const states = new Map<string, string>();
	/** Of those, the ones whose letter is still waiting: their `seq`. */
	const unsent = new Map<string, number>();
	/** How many must have been lost for the next event to tell of it. */
	let telling = 1;
	let closing: Promise<void> | undefined;

	const postman = openPostman({
		outbox,
		replay,
		acknowledge: times.acknowledge,
		onSilence: () => connection.giveUp(`no acknowledgement for ${times.acknowledge} ms`),
		onAcknowledged: ({ topic, seq }) => void (unsent.get(topic) === seq && unsent.delete(topic)),
		// What still counts as unsent was lost at a limit, but a state is true for all that.
		onIdle(client) {
			for (const topic of unsent.keys()) say(client, topic, states.get(topic) as string, true);
			unsent.clear();
		},
	});
	const connection = openConnection(options, times, {
		// What is in the outbox brings its topic up to date by itself, without a step back.
		states: () => [...states].filter(([topic]) => !unsent.has(topic)),
		onUp(client: MqttClient) {
			onEvent?.({ type: "connected", waiting: outbox.waiting, dropped: outbox.lost });
			telling = outbox.lost + 1;
			postman.begin(client);
		},
		onDown: postman.stop,
	});

	const remember = (topic: string, payload: string) => {
		states.delete(topic);
		states.set(topic, payload);
		if (states.size <= STATES) return;
		const [oldest] = states.keys();
		states.delete(oldest);
		unsent.delete(oldest);
	};

	const tellDropped = () => {
		if (outbox.lost < telling) return;
		telling += DROPPING;
		onEvent?.({ type: "dropping", dropped: outbox.lost });
	};

	const finish = async (deadline: number) => {
		const timers: NodeJS.Timeout[] = [];
		const after = (ms: number) => new Promise<void>((done) => timers.push(setTimeout(done, ms)));
		await Promise.race([after(deadline), leave(after(DRAIN * deadline))]);
		for (const timer of timers) clearTimeout(timer);
		connection.end();
		postman.stop();
		await outbox.close();
	};

	/** Sends what waits, as long as there is time for it, and says farewell. */
	const leave = async (late: Promise<void>) => {
		connection.retire();
		if (connection.client === undefined && outbox.waiting === 0) return;
		// Between two attempts: one more, at once, could save what is queued.
		connection.attempt();
		await Promise.race([postman.idle(), late]);
		postman.hold();
		await connection.leave();
	};

	return {
		get connected() {
			return connection.client !== undefined;
		},
		get dropped() {
			return outbox.lost;
		},
		get waiting() {
			return outbox.waiting;
		},
		next: (topic) => outbox.next(topic),
		send({ topic, payload, retain, deliver }) {
			if (closing) return Promise.resolve();
			const text = typeof payload === "string" ? payload : JSON.stringify(payload);
			if (retain) remember(topic, text);
			if (deliver === "last") {
				if (connection.client) say(connection.client, topic, text, retain);
				return Promise.resolve();
			}
			if (retain) unsent.set(topic, outbox.next(topic));
			outbox.append(topic, text, retain);
			tellDropped();
			return postman.room();
		},
		close(deadline) {
			closing ??= finish(deadline);
			return closing;
		},
	};
}
