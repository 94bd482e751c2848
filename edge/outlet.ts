import type { Broker, Outlet } from "../operators/types.js";

/** What a payload says about its own shape; a new number means that consumers must look again. */
const SCHEMA = 1;

/** Channels whose last message a broker hands to whoever subscribes later. */
const RETAINED: ReadonlySet<string> = new Set(["status", "domain", "adaptation"]);

/**
 * A camera's topics under the base topic, each with its own unbroken sequence from 0. Once the signal says that the run
 * ends, nobody waits for a broker's room any more: what was sent is queued, and there is knowledge to be stored.
 */
export const openOutlet = (broker: Broker, base: string, camera: string, signal: AbortSignal): Outlet => {
	const sequence = new Map<string, number>();
	const stamped = (channel: string, payload: object) => {
		const seq = sequence.get(channel) ?? 0;
		sequence.set(channel, seq + 1);
		return { schema: SCHEMA, seq, camera, publishedAt: new Date().toISOString(), ...payload };
	};
	return {
		publish: (channel: string, payload: object | string) =>
			unlessAborted(
				broker.send({
					topic: `${base}/${camera}/${channel}`,
					payload: typeof payload === "string" ? payload : stamped(channel, payload),
					retain: RETAINED.has(channel),
				}),
				signal,
			),
	};
};

/** Resolves with the promise, or as soon as the signal is given; leaves nothing behind on the signal. */
const unlessAborted = async (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
	if (signal.aborted) return;
	let stop = () => {};
	const aborted = new Promise<void>((done) => {
		stop = done;
		signal.addEventListener("abort", stop, { once: true });
	});
	await Promise.race([promise, aborted]);
	signal.removeEventListener("abort", stop);
};
