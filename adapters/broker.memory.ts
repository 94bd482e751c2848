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
		async send({ topic, payload, retain }) {
			if (closed) return;
			// As over a wire: what the sender changes later does not arrive.
			const message = { topic, payload: JSON.parse(JSON.stringify(payload)), retain };
			if (connected) {
				messages.push(message);
				return;
			}
			queue.push(message);
			if (queue.length > queueLimit) {
				queue.shift();
				dropped++;
			}
		},
		async close() {
			closed = true;
			dropped += queue.length;
			queue = [];
		},
	};
}
