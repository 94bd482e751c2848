import { identity } from "rxjs";
import type { Broker, Outlet } from "../operators/types.js";

/** What a payload says about its own shape; a new number means that consumers must look again. */
const SCHEMA = 1;

/** Channels whose last message a broker hands to whoever subscribes later. */
const RETAINED: ReadonlySet<string> = new Set(["status", "state", "domain", "adaptation"]);

/** A payload with what every payload says; `seq` counts its topic's messages without a gap, over all runs. */
export const stamped = (seq: number, camera: string, payload: object) => ({
	schema: SCHEMA,
	seq,
	camera,
	publishedAt: new Date().toISOString(),
	...payload,
});

/**
 * A camera's topics under the base topic; `choose` says which predictions are told, and how. Once the signal says that the run ends, nobody waits for a broker's room any
 * more: what was sent is kept, and there is knowledge to be stored.
 */
export const openOutlet = (
	broker: Broker,
	base: string,
	camera: string,
	signal: AbortSignal,
	choose: (prediction: object) => object | undefined = identity,
): Outlet => ({
	publish: async (channel: string, given: object | string) => {
		const payload = channel === "predictions" ? choose(given as object) : given;
		if (payload === undefined) return;
		const topic = `${base}/${camera}/${channel}`;
		const retain = RETAINED.has(channel);
		const sent =
			typeof payload === "string"
				? broker.send({ topic, payload, retain, deliver: "last" })
				: broker.send({ topic, payload: stamped(broker.next(topic), camera, payload), retain, deliver: "every" });
		return unlessAborted(sent, signal);
	},
});

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
