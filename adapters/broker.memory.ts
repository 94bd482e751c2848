import type { Broker, Message } from "../operators/types.js";

/** A broker in memory, for tests: keeps what arrives, and can be away. */
export interface MemoryBroker extends Broker {
	connected: boolean;
	/** What has arrived, in order. Without a limit: for tests. */
	readonly messages: readonly Message[];
}

/** Opens a broker in memory; while it is away (`connected = false`) at most `queueLimit` messages wait. */
export function openMemoryBroker({ queueLimit = 1000 } = {}): MemoryBroker {
	const messages: Message[] = [];
	let queue: Message[] = [];
	let connected = true;
	const counts = new Map<string, number>();
	let dropped = 0;
	let closed = false;
	return {
		messages,
		get connected() {
			return connected && !closed;
		},
		set connected(value) {
			connected = value;
			if (value) messages.push(...queue.splice(0));
		},
		get dropped() {
			return dropped;
		},
		get waiting() {
			return queue.length;
		},
		next: (topic) => counts.get(topic) ?? 0,
		async send({ payload, ...rest }) {
			if (closed) return;
			const { topic, retain, deliver } = rest;
			// As over a wire: what the sender changes later does not arrive.
			const message = { ...rest, payload: JSON.parse(JSON.stringify(payload)) };
			if (deliver === "every") counts.set(topic, (counts.get(topic) ?? 0) + 1);
			if (connected) {
				messages.push(message);
				return;
			}
			if (deliver === "last") {
				queue = queue.filter((other) => other.deliver === "every" || other.topic !== topic);
				if (!retain) return;
			}
			queue.push(message);
			if (queue.length > queueLimit) {
				queue.shift();
				dropped++;
			}
		},
		async close() {
			closed = true;
		},
	};
}
