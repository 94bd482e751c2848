import { randomBytes } from "node:crypto";
import mqtt, { type MqttClient } from "mqtt";
import { type Broker, EdgeError } from "../operators/types.js";
import { type BrokerOptions, type BrokerTimes, TIMES } from "./broker.options.js";
import type { Letter } from "./letters.js";

/** Messages sent and not yet acknowledged. */
const WINDOW = 20;

/** Messages that may wait while the broker is there before whoever sends has to. */
const ROOM = 200;

const REPLAY = 500;

/** The part of a deadline in which what waits is sent; the rest is for the farewell. */
const DRAIN = 0.7;

/** Bytes of an incoming payload. */
const LONGEST = 16_384;

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

/**
 * Connects to an MQTT broker, and keeps trying: a broker that is away at the start or later is no error. Returns at once.
 * Every message arrives at least once and in order, over restarts, save those lost at the outbox's limits; the last
 * retained message of each topic is sent again on every connect, for brokers that forget.
 * @throws {EdgeError} `broker` when the URL is not one of a broker
 */
export function openBroker(options: BrokerOptions): Broker {
	checkUrl(options.url);
	const { outbox, onEvent, clientId = `acclimate-${randomBytes(4).toString("hex")}`, replay = REPLAY } = options;
	const times = { ...TIMES, ...options.times };

	/** Each topic's last retained payload. */
	const states = new Map<string, string>();
	/** Of those, the ones whose letter is still waiting: their `seq`. */
	const unsent = new Map<string, number>();
	const underWay = new Set<Letter>();
	let waiters: (() => void)[] = [];
	/** How many must have been lost for the next event to tell of it. */
	let telling = 1;
	let client: MqttClient | undefined;
	let connected = false;
	let attempt = 0;
	let retry: NodeJS.Timeout | undefined;
	let silence: NodeJS.Timeout | undefined;
	let closing: Promise<void> | undefined;
	let leaving = false;
	/** The fewest letters that have waited since the connection came about: their number must not grow from there. */
	let fewest = 0;
	/** Letters to replay, how many of them may go now, and when that was so. */
	let backlog = 0;
	let allowance = 0;
	let allowedAt = 0;
	let ration: NodeJS.Timeout | undefined;
	/** Ends the connection as lost. */
	let giveUp = () => {};
	/** Called when nothing waits or the connection is lost. */
	let onIdle = () => {};

	/**
	 * One client per connection. mqtt.js can reconnect and queue by itself, but a client that has lost messages in a black
	 * hole may never come back, and its queue has no limit; a client that is thrown away after use cannot get there.
	 */
	const connect = () => {
		let since = Number.POSITIVE_INFINITY;
		const { username, password, will, version, tls } = options;
		const mine = mqtt.connect(options.url, {
			reconnectPeriod: 0,
			connectTimeout: times.connect,
			keepalive: Math.ceil(times.keepalive / 1000),
			clientId,
			clean: true,
			// What is asked of us is short; a broker of version 5 does not even send what is not.
			...(version === 5 && { protocolVersion: 5, properties: { maximumPacketSize: 4 * LONGEST } }),
			...tls,
			will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
			...(username === undefined ? {} : { username }),
			...(password === undefined ? {} : { password }),
		});
		client = mine;
		mine.on("connect", () => {
			connected = true;
			since = performance.now();
			fewest = backlog = outbox.waiting;
			onEvent?.({ type: "connected", waiting: backlog, dropped: outbox.lost });
			telling = outbox.lost + 1;
			greet(mine);
			listenTo(mine);
			pump();
		});
		const lost = (reason: string) => {
			if (client !== mine) return;
			client = undefined;
			connected = false;
			stopListening();
			mine.end(true);
			underWay.clear();
			outbox.rewind();
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

	const state = (to: MqttClient, topic: string, payload: string, retain: boolean) =>
		to.publish(topic, payload, { qos: 1, retain }, () => {});

	const greet = (to: MqttClient) => {
		state(to, options.birth.topic, options.birth.payload, true);
		// What is in the outbox brings its topic up to date by itself, without a step back.
		for (const [topic, payload] of states) if (!unsent.has(topic)) state(to, topic, payload, true);
	};

	const listenTo = (from: MqttClient) => {
		const { birth, listen } = options;
		from.on("message", (topic, payload, { retain }) => {
			// An old connection's last will may come when this one stands already.
			if (topic === birth.topic) {
				if (String(payload) !== birth.payload && !leaving) state(from, topic, birth.payload, true);
			} else if (payload.length <= LONGEST && from === client)
				listen?.onMessage({ topic, payload: String(payload), retained: retain });
		});
		for (const filter of [birth.topic, ...(listen?.filters ?? [])])
			from.subscribe(filter, { qos: 1 }, (error, granted) => {
				if (from === client && (error || granted?.some(({ qos }) => qos > 2))) onEvent?.({ type: "refused", filter });
			});
	};

	const pump = () => {
		const mine = client;
		if (mine === undefined || !connected || leaving) return;
		for (const letter of outbox.take(Math.min(WINDOW - underWay.size, allowed()))) {
			underWay.add(letter);
			if (backlog > 0) {
				backlog--;
				allowance--;
			}
			mine.publish(letter.topic, letter.payload, { qos: 1, retain: letter.retain }, (error) => {
				if (error || client !== mine) return; // the connection is lost, and the outbox begins again
				underWay.delete(letter);
				outbox.remove(letter);
				if (unsent.get(letter.topic) === letter.seq) unsent.delete(letter.topic);
				fewest = Math.min(fewest, outbox.waiting);
				listen();
				pump();
				makeRoom();
				if (outbox.waiting === 0) idle(mine);
			});
		}
		if (silence === undefined) listen();
	};

	/** How many letters may go now; comes back when none may. A consumer that was away too is not run over by what waited. */
	const allowed = (): number => {
		if (backlog === 0) return WINDOW;
		const now = performance.now();
		allowance = Math.min(WINDOW, allowance + ((now - allowedAt) / 1000) * replay);
		allowedAt = now;
		if (allowance >= 1) return Math.min(backlog, Math.floor(allowance));
		ration ??= setTimeout(() => {
			ration = undefined;
			pump();
		}, 1000 / replay);
		return 0;
	};

	/** Everything has arrived; what still counts as unsent was lost at a limit, but a state is true for all that. */
	const idle = (mine: MqttClient) => {
		for (const topic of unsent.keys()) state(mine, topic, states.get(topic) as string, true);
		unsent.clear();
		onIdle();
	};

	/** Starts the wait for the next acknowledgement, if one is due. */
	const listen = () => {
		stopListening();
		if (underWay.size > 0) silence = setTimeout(giveUp, times.acknowledge);
	};
	const stopListening = () => {
		clearTimeout(silence);
		silence = undefined;
	};

	const hasRoom = () => !outbox.busy && (!connected || outbox.waiting <= fewest + ROOM);
	const makeRoom = () => {
		if (waiters.length === 0 || !hasRoom()) return;
		const released = waiters;
		waiters = [];
		for (const go of released) go();
	};

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
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<void>((done) => {
			timer = setTimeout(done, deadline);
		});
		const drained = setTimeout(() => onIdle(), DRAIN * deadline);
		await Promise.race([late, leave()]);
		clearTimeout(drained);
		clearTimeout(timer);
		clearTimeout(ration);
		stopListening();
		client?.end(true);
		client = undefined;
		connected = false;
		makeRoom();
		await outbox.close();
	};

	const leave = async () => {
		clearTimeout(retry);
		if (!connected && outbox.waiting === 0) return;
		// Between two attempts: one more, at once, could save what is queued.
		if (client === undefined) connect();
		if (outbox.waiting > 0) await new Promise<void>((done) => (onIdle = done));
		const mine = client;
		if (mine === undefined || !connected) return;
		leaving = true;
		const { topic, payload } = options.farewell;
		await new Promise((done) => mine.publish(topic, payload, { qos: 1, retain: true }, done));
		await new Promise<void>((done) => mine.end(false, () => done()));
	};

	outbox.onStored(() => {
		pump();
		makeRoom();
	});
	connect();

	return {
		get connected() {
			return connected;
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
				if (client !== undefined && connected) state(client, topic, text, retain);
				return Promise.resolve();
			}
			if (retain) unsent.set(topic, outbox.next(topic));
			outbox.append(topic, text, retain);
			tellDropped();
			return hasRoom() ? Promise.resolve() : new Promise((go) => waiters.push(go));
		},
		close(deadline) {
			closing ??= finish(deadline);
			return closing;
		},
	};
}
