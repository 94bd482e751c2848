import { randomBytes } from "node:crypto";
import mqtt, { type MqttClient } from "mqtt";
import type { BrokerOptions, BrokerTimes } from "./broker.options.js";

/** Bytes of an incoming payload. */
const LONGEST = 16_384;

/** A connection that comes about again and again, for as long as it is wanted. */
export interface Connection {
	/** Present while the connection stands. */
	readonly client: MqttClient | undefined;
	/** Ends the present one as lost. */
	giveUp(reason: string): void;
	/** No further attempt is made from now on, but by `attempt`. */
	retire(): void;
	/** Connects at once, unless there is a connection or one is under way. */
	attempt(): void;
	/** Says farewell and disconnects, where the connection stands. */
	leave(): Promise<void>;
	/** Ends what there is of it. */
	end(): void;
}

export interface Connected {
	/** Each topic's state, told anew on every connect after the birth. */
	states(): Iterable<readonly [topic: string, payload: string]>;
	/** The connection stands, and all of that has been said. */
	onUp(client: MqttClient): void;
	/** It does not any more, or has not come about. */
	onDown(): void;
}

/** Milliseconds before the next attempt after so many short-lived ones; `random` in [0, 1) keeps a fleet from coming back all at once. */
export function backoff(attempt: number, times: Pick<BrokerTimes, "retryMin" | "retryMax">, random: number): number {
	const longest = Math.min(times.retryMax, times.retryMin * 2 ** attempt);
	return Math.round(longest * (0.75 + 0.25 * random));
}

/** Says what counts until something else is said; whether it arrives, the next connect will see to. */
export const say = (to: MqttClient, topic: string, payload: string, retain: boolean) =>
	to.publish(topic, payload, { qos: 1, retain }, () => {});

/** Connects now, and anew whenever that fails or ends. Incoming messages go to `options.listen`. */
export function openConnection(options: BrokerOptions, times: BrokerTimes, connected: Connected): Connection {
	const { onEvent, birth, farewell, clientId = `acclimate-${randomBytes(4).toString("hex")}` } = options;
	let client: MqttClient | undefined;
	let stands = false;
	let attempts = 0;
	let retry: NodeJS.Timeout | undefined;
	let retired = false;
	let leaving = false;
	let lose: (reason: string) => void = () => {};

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
			stands = true;
			since = performance.now();
			say(mine, birth.topic, birth.payload, true);
			for (const [topic, payload] of connected.states()) say(mine, topic, payload, true);
			listen(mine);
			connected.onUp(mine);
		});
		const lost = (reason: string) => {
			if (client !== mine) return;
			client = undefined;
			stands = false;
			mine.end(true);
			connected.onDown();
			if (retired) return;
			// A broker that accepts and hangs up at once is one that cannot be reached.
			if (performance.now() - since > times.retryMax) attempts = 0;
			const retryIn = backoff(attempts++, times, Math.random());
			retry = setTimeout(connect, retryIn);
			onEvent?.({ type: "lost", reason, retryIn });
		};
		// Stays for good: an error event of a discarded client must not end the process.
		mine.on("error", (error) => lost(error.message || (error as NodeJS.ErrnoException).code || error.name));
		mine.on("close", () => lost("the connection was closed"));
		lose = lost;
	};

	const listen = (from: MqttClient) => {
		const { listen } = options;
		from.on("message", (topic, payload, { retain }) => {
			// An old connection's last will may come when this one stands already.
			if (topic === birth.topic) {
				if (String(payload) !== birth.payload && !leaving) say(from, topic, birth.payload, true);
			} else if (payload.length <= LONGEST && from === client)
				listen?.onMessage({ topic, payload: String(payload), retained: retain });
		});
		for (const filter of [birth.topic, ...(listen?.filters ?? [])])
			from.subscribe(filter, { qos: 1 }, (error, granted) => {
				if (from === client && (error || granted?.some(({ qos }) => qos > 2))) onEvent?.({ type: "refused", filter });
			});
	};

	connect();
	return {
		get client() {
			return stands ? client : undefined;
		},
		giveUp: (reason) => lose(reason),
		retire() {
			retired = true;
			clearTimeout(retry);
		},
		attempt() {
			if (client === undefined) connect();
		},
		async leave() {
			const mine = client;
			if (mine === undefined || !stands) return;
			leaving = true;
			await new Promise((done) => mine.publish(farewell.topic, farewell.payload, { qos: 1, retain: true }, done));
			await new Promise<void>((done) => mine.end(false, () => done()));
		},
		end() {
			client?.end(true);
			client = undefined;
			stands = false;
		},
	};
}
