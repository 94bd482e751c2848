import { randomBytes } from "node:crypto";
import mqtt, { type MqttClient } from "mqtt";
import { type Broker, EdgeError } from "../operators/types.js";

/** A retained message whose payload is a bare word, as availability topics have it. */
export interface Notice {
	readonly topic: string;
	readonly payload: string;
}

export interface BrokerOptions {
	/** mqtt, mqtts, ws or wss; may carry credentials. */
	readonly url: string;
	readonly username?: string;
	readonly password?: string;
	/**
	 * Best the same after a restart: a new connection then ends the old one, whose last will would else come after
	 * the new one's birth. Absent: one for as long as this process lives.
	 */
	readonly clientId?: string;
	/** Published by the broker when this process is gone without a farewell. */
	readonly will: Notice;
	/** Published on every connect. */
	readonly birth: Notice;
	/** Published last, before an orderly disconnect. */
	readonly farewell: Notice;
	readonly onEvent?: (event: BrokerEvent) => void;
	/** Messages that wait while the broker is away. */
	readonly queueLimit?: number;
	readonly times?: Partial<BrokerTimes>;
}

/** All in milliseconds. */
export interface BrokerTimes {
	/** Before the first attempt to connect again; twice as long from one to the next, up to `retryMax`. */
	readonly retryMin: number;
	readonly retryMax: number;
	/** For the broker to accept a connection. */
	readonly connect: number;
	/** Without an acknowledgement, though one is due, before the connection is given up. */
	readonly acknowledge: number;
	/** Between signs of life on an idle connection. */
	readonly keepalive: number;
}

/** What a log might tell of the connection. */
export type BrokerEvent =
	/** `dropped`: messages lost so far; `queued`: messages that are sent now. */
	| { readonly type: "connected"; readonly queued: number; readonly dropped: number }
	/** A connection ended or did not come about; the next attempt is `retryIn` milliseconds away. */
	| { readonly type: "lost"; readonly reason: string; readonly retryIn: number }
	/** The queue is full; told once each time it begins and after every further `queueLimit` messages. */
	| { readonly type: "dropping"; readonly dropped: number };

const TIMES: BrokerTimes = {
	retryMin: 1000,
	retryMax: 10_000,
	connect: 10_000,
	acknowledge: 10_000,
	keepalive: 15_000,
};

/** Messages sent and not yet acknowledged. */
const WINDOW = 20;

const QUEUE_LIMIT = 1000;

/** The URL without what must not be printed: credentials and query. */
export function redact(url: string): string {
	try {
		const parsed = new URL(url);
		return `${parsed.protocol}//${parsed.host}${parsed.pathname === "/" ? "" : parsed.pathname}`;
	} catch {
		return url.replace(/\/\/.*@/, "//").replace(/\?.*/, "");
	}
}

/** Milliseconds before the next attempt after so many short-lived ones; `random` in [0, 1) keeps a fleet from coming back all at once. */
export function backoff(attempt: number, times: Pick<BrokerTimes, "retryMin" | "retryMax">, random: number): number {
	const longest = Math.min(times.retryMax, times.retryMin * 2 ** attempt);
	return Math.round(longest * (0.75 + 0.25 * random));
}

/** @throws {EdgeError} `broker` when the URL is not one of a broker */
export function checkUrl(url: string): void {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (!parsed?.hostname || !["mqtt:", "mqtts:", "ws:", "wss:"].includes(parsed.protocol)) {
		throw new EdgeError("broker", `${redact(url)} is not a broker: expected mqtt://, mqtts://, ws:// or wss://`);
	}
}

interface Entry {
	readonly topic: string;
	readonly payload: string;
	readonly retain: boolean;
	/** Over this connection: not yet, under way, or acknowledged. */
	state: "waiting" | "sent" | "done";
}

/**
 * Connects to an MQTT broker, and keeps trying: a broker that is away at the start or later is no error. Returns at once.
 * Every message arrives at least once and in order, save those lost at the queue's limit; the last retained message
 * of each topic is sent again on every connect, for brokers that forget.
 * @throws {EdgeError} `broker` when the URL is not one of a broker
 */
export function openBroker(options: BrokerOptions): Broker {
	checkUrl(options.url);
	const { onEvent, queueLimit = QUEUE_LIMIT, clientId = `acclimate-${randomBytes(4).toString("hex")}` } = options;
	const times = { ...TIMES, ...options.times };

	let queue: Entry[] = [];
	/** Each topic's last retained payload. */
	const states = new Map<string, string>();
	let waiters: (() => void)[] = [];
	let dropped = 0;
	let droppedSinceConnect = 0;
	let client: MqttClient | undefined;
	let connected = false;
	let attempt = 0;
	let retry: NodeJS.Timeout | undefined;
	let silence: NodeJS.Timeout | undefined;
	let closing: Promise<void> | undefined;
	/** Ends the connection as lost. */
	let giveUp = () => {};
	/** Called when the queue is empty or the connection is lost. */
	let onIdle = () => {};

	/**
	 * One client per connection. mqtt.js can reconnect and queue by itself, but a client that has lost messages in a black
	 * hole may never come back, and its queue has no limit; a client that is thrown away after use cannot get there.
	 */
	const connect = () => {
		let since = Number.POSITIVE_INFINITY;
		const { username, password, will } = options;
		const mine = mqtt.connect(options.url, {
			reconnectPeriod: 0,
			connectTimeout: times.connect,
			keepalive: Math.ceil(times.keepalive / 1000),
			clientId,
			clean: true,
			will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
			...(username === undefined ? {} : { username }),
			...(password === undefined ? {} : { password }),
		});
		client = mine;
		mine.on("connect", () => {
			connected = true;
			since = performance.now();
			onEvent?.({ type: "connected", queued: queue.length, dropped });
			droppedSinceConnect = 0;
			greet(mine);
			pump();
		});
		const lost = (reason: string) => {
			if (client !== mine) return;
			client = undefined;
			connected = false;
			stopListening();
			mine.end(true);
			queue = queue.filter((entry) => entry.state !== "done");
			for (const entry of queue) entry.state = "waiting";
			makeRoom();
			onIdle();
			if (closing) return;
			// A broker that accepts and hangs up at once is one that cannot be reached.
			if (performance.now() - since > times.retryMax) attempt = 0;
			const retryIn = backoff(attempt++, times, Math.random());
			retry = setTimeout(connect, retryIn);
			onEvent?.({ type: "lost", reason, retryIn });
		};
		// Stays for good: an error event of a discarded client must not end the process.
		mine.on("error", (error) => lost(error.message || (error as NodeJS.ErrnoException).code || error.name));
		mine.on("close", () => lost("the connection was closed"));
		giveUp = () => lost(`no acknowledgement for ${times.acknowledge} ms`);
	};

	const greet = (to: MqttClient) => {
		to.publish(options.birth.topic, options.birth.payload, { qos: 1, retain: true }, () => {});
		const queued = new Set(queue.map((entry) => entry.topic));
		for (const [topic, payload] of states) {
			// What is in the queue brings its topic up to date by itself, without a step back.
			if (!queued.has(topic)) to.publish(topic, payload, { qos: 1, retain: true }, () => {});
		}
	};

	const pump = () => {
		const mine = client;
		if (mine === undefined || !connected) return;
		for (const entry of queue.slice(0, WINDOW)) {
			if (entry.state !== "waiting") continue;
			entry.state = "sent";
			mine.publish(entry.topic, entry.payload, { qos: 1, retain: entry.retain }, (error) => {
				if (error || client !== mine) return; // the connection is lost; `lost` puts the message back
				entry.state = "done";
				while (queue[0]?.state === "done") queue.shift();
				listen();
				pump();
				makeRoom();
				if (queue.length === 0) onIdle();
			});
		}
		if (silence === undefined) listen();
	};

	/** Starts the wait for the next acknowledgement, if one is due. */
	const listen = () => {
		stopListening();
		if (queue.length > 0) silence = setTimeout(giveUp, times.acknowledge);
	};
	const stopListening = () => {
		clearTimeout(silence);
		silence = undefined;
	};

	const hasRoom = () => !connected || queue.length <= WINDOW;
	const makeRoom = () => {
		if (waiters.length === 0 || !hasRoom()) return;
		const released = waiters;
		waiters = [];
		for (const go of released) go();
	};

	const enforceLimit = () => {
		if (queue.length <= queueLimit) return;
		const oldest = queue.findIndex((entry) => entry.state === "waiting");
		queue.splice(Math.max(0, oldest), 1);
		dropped++;
		if (droppedSinceConnect++ % queueLimit === 0) onEvent?.({ type: "dropping", dropped });
	};

	const remember = (topic: string, payload: string) => {
		states.delete(topic);
		states.set(topic, payload);
		if (states.size > queueLimit) states.delete(states.keys().next().value as string);
	};

	const finish = async (deadline: number) => {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<void>((done) => {
			timer = setTimeout(done, deadline);
		});
		await Promise.race([late, leave()]);
		clearTimeout(timer);
		stopListening();
		client?.end(true);
		client = undefined;
		connected = false;
		dropped += queue.length;
		queue = [];
		makeRoom();
	};

	const leave = async () => {
		clearTimeout(retry);
		if (!connected && queue.length === 0) return;
		// Between two attempts: one more, at once, could save what is queued.
		if (client === undefined) connect();
		if (queue.length > 0) await new Promise<void>((done) => (onIdle = done));
		const mine = client;
		if (mine === undefined || !connected) return;
		const { topic, payload } = options.farewell;
		await new Promise((done) => mine.publish(topic, payload, { qos: 1, retain: true }, done));
		await new Promise<void>((done) => mine.end(false, () => done()));
	};

	connect();

	return {
		get connected() {
			return connected;
		},
		get dropped() {
			return dropped;
		},
		send({ topic, payload, retain }) {
			if (closing) return Promise.resolve();
			const text = typeof payload === "string" ? payload : JSON.stringify(payload);
			if (retain) remember(topic, text);
			queue.push({ topic, payload: text, retain, state: "waiting" });
			enforceLimit();
			pump();
			return hasRoom() ? Promise.resolve() : new Promise((go) => waiters.push(go));
		},
		close(deadline) {
			closing ??= finish(deadline);
			return closing;
		},
	};
}
