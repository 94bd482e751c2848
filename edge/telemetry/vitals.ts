import { EventEmitter } from "node:events";
import type { Broker, Camera, Outlet } from "../../operators/types.js";
import type { Tally } from "../watch.js";

/** What one camera looks like from outside at this moment. */
export interface CameraVitals {
	readonly status: "starting" | "online" | "offline" | "disabled";
	readonly tally: Tally;
	/** Frames that wait to be taken. */
	readonly waiting: number;
	/** The last payloads of its two channels, where there have been any. */
	readonly domain: Readonly<Record<string, unknown>> | undefined;
	readonly adaptation: Readonly<Record<string, unknown>> | undefined;
}

/** How `edge/run.ts` lets one camera be looked at: all that passes is handed on unchanged. */
export interface Witness {
	/** The source that was opened last. */
	opened(camera: Camera): Camera;
	overheard(outlet: Outlet): Outlet;
	/** Told of every round that has ended. */
	turned(): void;
}

/** What the daemon looks like from outside at this moment: `edge/run.ts` tells it, metrics, health and watchdog read it. */
export interface Vitals {
	/** `round`: some camera's round has ended. `sent`: a prediction was handed to the broker, seconds after its frame came. */
	readonly events: EventEmitter<{ round: []; sent: [camera: string, latency: number] }>;
	readonly cameras: ReadonlyMap<string, CameraVitals>;
	/**
	 * Begins to look at a camera, whose tally is counted up by others and which may be silent for `stall` milliseconds; a
	 * name that is known already starts anew.
	 */
	witness(camera: string, tally: Tally, stall: number): Witness;
	/** The camera is gone from the configuration. */
	forget(camera: string): void;
	/** Whether the model is open. */
	model: boolean;
	broker: Broker | undefined;
	/** Messages that had been lost when the broker was connected last. */
	droppedBefore: number;
	/**
	 * Whether rounds turn: some camera that is online has ended one, or come online, in the last `limit` milliseconds, or as
	 * long as it may be silent. True where none is online, because then there is nothing to turn.
	 */
	turning(limit: number): boolean;
	/** Whether some camera is online. */
	readonly online: boolean;
}

export const openVitals = (): Vitals => {
	const events: Vitals["events"] = new EventEmitter();
	const cameras = new Map<string, OneCamera>();
	const online = () => [...cameras.values()].filter(({ status }) => status === "online");
	return {
		events,
		cameras,
		model: false,
		broker: undefined,
		droppedBefore: 0,
		witness(name, tally, stall) {
			const camera = new OneCamera(tally, stall);
			cameras.set(name, camera);
			return {
				opened(source) {
					camera.source = source;
					return source;
				},
				overheard: (outlet) => ({
					async publish(channel: string, payload: object | string) {
						camera.hear(channel, payload);
						await outlet.publish(channel as "status", payload as "online");
						const { capturedAt } = payload as { capturedAt?: string };
						if (channel === "predictions" && capturedAt)
							events.emit("sent", name, (Date.now() - Date.parse(capturedAt)) / 1e3);
					},
				}),
				turned() {
					camera.sign = performance.now();
					events.emit("round");
				},
			};
		},
		forget: (name) => void cameras.delete(name),
		turning: (limit) => {
			const now = performance.now();
			return online().length === 0 || online().some(({ sign, stall }) => now - sign <= Math.max(limit, stall));
		},
		get online() {
			return online().length > 0;
		},
	};
};

class OneCamera implements CameraVitals {
	status: CameraVitals["status"] = "starting";
	domain: CameraVitals["domain"];
	adaptation: CameraVitals["adaptation"];
	source: Camera | undefined;
	/** When it last gave a sign of life, on the clock of `performance`. */
	sign = 0;

	constructor(
		readonly tally: Tally,
		readonly stall: number,
	) {}

	get waiting() {
		return this.source?.waiting ?? 0;
	}

	hear(channel: string, payload: object | string): void {
		if (channel === "status") {
			this.status = payload as CameraVitals["status"];
			this.sign = performance.now();
		}
		if (channel === "domain") this.domain = { ...(payload as object) };
		if (channel === "adaptation") this.adaptation = { ...(payload as object) };
	}
}
