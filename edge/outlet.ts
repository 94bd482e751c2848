import type { Broker, Outlet } from "../operators/types.js";

/** What a payload says about its own shape; a new number means that consumers must look again. */
const SCHEMA = 1;

/** Channels whose last message a broker hands to whoever subscribes later. */
const RETAINED: ReadonlySet<string> = new Set(["status", "domain", "adaptation"]);

/** A camera's topics under the base topic, each with its own unbroken sequence from 0. */
export const openOutlet = (broker: Broker, base: string, camera: string): Outlet => {
	const sequence = new Map<string, number>();
	return {
		publish: (channel: string, payload: object | string) => {
			const seq = sequence.get(channel) ?? 0;
			sequence.set(channel, seq + 1);
			return broker.send({
				topic: `${base}/${camera}/${channel}`,
				payload:
					typeof payload === "string"
						? payload
						: { schema: SCHEMA, seq, camera, publishedAt: new Date().toISOString(), ...payload },
				retain: RETAINED.has(channel),
			});
		},
	};
};
