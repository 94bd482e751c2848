import type { Outbox } from "./outbox.js";

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
	/** The protocol's version; 3.1.1 where absent. */
	readonly version?: "3.1.1" | 5;
	/** Contents of files in PEM; for mqtts and wss. */
	readonly tls?: {
		readonly ca?: Buffer;
		readonly cert?: Buffer;
		readonly key?: Buffer;
		readonly rejectUnauthorized: boolean;
	};
	/** Published by the broker when this process is gone without a farewell. */
	readonly will: Notice;
	/** Published on every connect. */
	readonly birth: Notice;
	/** Published last, before an orderly disconnect. */
	readonly farewell: Notice;
	/** What is listened to besides, and who is told. Nobody waits for `onMessage`, which must not throw. */
	readonly listen?: { readonly filters: readonly string[]; readonly onMessage: (message: Incoming) => void };
	/** Keeps messages until they are acknowledged. It is the broker's from now on, which closes it. */
	readonly outbox: Outbox;
	readonly onEvent?: (event: BrokerEvent) => void;
	readonly times?: Partial<BrokerTimes>;
	/** Messages a second, at most, of those that were waiting when the connection came about. */
	readonly replay?: number;
}

export interface Incoming {
	readonly topic: string;
	/** At most `LONGEST` bytes of UTF-8; longer ones are left out. */
	readonly payload: string;
	/** Whether the broker had kept it, and nobody has sent it now. */
	readonly retained: boolean;
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
	/** `dropped`: messages lost so far; `waiting`: messages that are sent now. */
	| { readonly type: "connected"; readonly waiting: number; readonly dropped: number }
	/** A connection ended or did not come about; the next attempt is `retryIn` milliseconds away. */
	| { readonly type: "lost"; readonly reason: string; readonly retryIn: number }
	/** The broker does not let us listen to a filter. */
	| { readonly type: "refused"; readonly filter: string }
	/** The outbox is full; told when it begins after a connection, and after every further 1,000 messages. */
	| { readonly type: "dropping"; readonly dropped: number };

export const TIMES: BrokerTimes = {
	retryMin: 1000,
	retryMax: 10_000,
	connect: 10_000,
	acknowledge: 10_000,
	keepalive: 15_000,
};
