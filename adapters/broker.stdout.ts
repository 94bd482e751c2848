import type { Writable } from "node:stream";
import type { Broker } from "../operators/types.js";

export interface StdoutBrokerOptions {
	readonly output: Writable;
	/** Which topics are printed; the others are left out without being counted as lost. */
	readonly prints: (topic: string) => boolean;
}

/** What stands in for a broker where none is configured: prints payloads, one JSON text a line, at the reader's pace. */
export function openStdoutBroker({ output, prints }: StdoutBrokerOptions): Broker {
	let connected = true;
	const counts = new Map<string, number>();
	let dropped = 0;
	let flowing = Promise.resolve();
	const gone = new Promise<void>((done) => {
		const end = () => {
			connected = false;
			done();
		};
		// The reader went away (`| head`): no error of ours.
		output.on("error", end).once("close", end);
	});
	return {
		get connected() {
			return connected;
		},
		get dropped() {
			return dropped;
		},
		waiting: 0,
		next: (topic) => counts.get(topic) ?? 0,
		async send({ topic, payload, deliver }) {
			if (deliver === "every") counts.set(topic, (counts.get(topic) ?? 0) + 1);
			if (!prints(topic)) return;
			if (!connected) {
				dropped++;
				return;
			}
			if (!output.write(`${JSON.stringify(payload)}\n`)) {
				const drained = new Promise<void>((done) => output.once("drain", done));
				flowing = Promise.race([drained, gone]);
			}
			await flowing;
		},
		async close(deadline) {
			if (!connected) return;
			const written = new Promise<void>((done) => output.write("", () => done()));
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise<void>((done) => {
				timer = setTimeout(done, deadline);
			});
			await Promise.race([written, gone, late]);
			clearTimeout(timer);
			connected = false;
		},
	};
}
