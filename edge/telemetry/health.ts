import type { Vitals } from "./vitals.js";

/** Milliseconds without a round of any camera that is online, after which the daemon counts as stuck. */
export const STUCK = 60_000;

export interface Health {
	readonly ok: boolean;
	/** One sentence for each thing that was looked at. */
	readonly because: Readonly<Record<string, string>>;
}

/** Whether the process does what it is for: rounds turn, or no camera is online and there is nothing to turn. */
export const alive = (vitals: Vitals): Health => {
	const ok = vitals.turning(STUCK);
	const because = ok
		? vitals.online
			? "turning"
			: "no camera is online"
		: `no camera that is online has had a prediction for ${STUCK / 1e3} s`;
	return { ok, because: { rounds: because } };
};

/** Whether predictions come about and get somewhere: the model, at least one camera, the broker or its queue. */
export const ready = ({ model, cameras, broker, droppedBefore }: Vitals): Health => {
	const wanted = [...cameras.values()].filter(({ status }) => status !== "disabled");
	const online = wanted.filter(({ status }) => status === "online");
	const holding = broker !== undefined && broker.dropped === droppedBefore;
	return {
		ok: model && (wanted.length === 0 || online.length > 0) && (broker?.connected === true || holding),
		because: {
			model: model ? "open" : "not open yet",
			cameras: wanted.length === 0 ? "none is enabled" : `${online.length} of ${wanted.length} online`,
			broker: broker?.connected ? "connected" : holding ? "away, messages are kept" : "away, messages are lost",
		},
	};
};
