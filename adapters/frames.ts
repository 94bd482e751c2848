import type { Camera, CameraError, Frame } from "../operators/types.js";

/** Pictures that wait while nobody asks for any. */
const READ_AHEAD = 16;

/** Where frames wait to be taken: the one place that decides what happens when there are more than are wanted. */
export interface FrameQueue extends Pick<Camera, "live" | "waiting" | "dropped" | "take"> {
	/** A lossless source must wait now; `onRoom` tells when it may go on. Never true of a live one. */
	readonly full: boolean;
	/** Pictures delivered so far, dropped ones included. */
	readonly delivered: number;
	/** Adds a picture that arrived now: one frame or, where its parts are named, one for each of them. */
	push(parts: readonly Uint8Array[]): void;
	/** No frame comes any more: `take` gives out what is left, then rejects with `error` or, without one, resolves to none. */
	end(error?: CameraError): void;
}

export interface FrameQueueOptions {
	/** Drops its oldest picture for a newer one, where else the source has to wait. */
	readonly live: boolean;
	/** Names of a picture's parts; none: the picture as a whole. */
	readonly names: readonly string[];
	/** Told that a source that waited may go on. */
	readonly onRoom: () => void;
}

/** A queue of at most 16 pictures or as many frames as two takes ask for. */
export function frameQueue({ live, names, onRoom }: FrameQueueOptions): FrameQueue {
	const readAhead = READ_AHEAD * Math.max(1, names.length);
	const waiting: { readonly frame: Frame; readonly arrived: number }[] = [];
	let capacity = readAhead;
	let delivered = 0;
	let dropped = 0;
	let ended: { readonly error?: CameraError } | undefined;
	let pending: Pending | undefined;

	const settle = () => {
		if (pending === undefined) return;
		clearTimeout(pending.timer);
		const { limit, patience, resolve, reject } = pending;
		const first = waiting[0];
		if (first === undefined && ended?.error) {
			pending = undefined;
			reject(ended.error);
			return;
		}
		const left = first === undefined ? Number.POSITIVE_INFINITY : first.arrived + patience - performance.now();
		if (waiting.length >= limit || ended !== undefined || (live && left <= 0)) {
			pending = undefined;
			resolve(waiting.splice(0, limit).map(({ frame }) => frame));
		} else if (live && first !== undefined) {
			pending.timer = setTimeout(settle, Math.max(1, left));
		}
	};

	/** The oldest picture, with all of its parts that are still here. */
	const dropOldest = () => {
		const { index } = waiting[0].frame;
		while (waiting[0]?.frame.index === index) {
			waiting.shift();
			dropped++;
		}
	};

	return {
		live,
		get waiting() {
			return waiting.length;
		},
		get dropped() {
			return dropped;
		},
		get delivered() {
			return delivered;
		},
		get full() {
			return !live && waiting.length >= capacity;
		},
		push(parts) {
			const index = delivered++;
			const [capturedAt, arrived] = [Date.now(), performance.now()];
			for (const [i, pixels] of parts.entries()) {
				const region = names[i];
				waiting.push({ frame: { index, capturedAt, pixels, ...(region !== undefined && { region }) }, arrived });
			}
			while (live && waiting.length > capacity) dropOldest();
			settle();
		},
		end(error) {
			ended ??= error ? { error } : {};
			settle();
		},
		take(limit, patience) {
			if (pending !== undefined) return Promise.reject(new Error("take was called while another take is pending"));
			capacity = Math.max(readAhead, live ? limit : 2 * limit);
			return new Promise((resolve, reject) => {
				pending = { limit, patience, resolve, reject };
				settle();
				if (waiting.length < capacity) onRoom();
			});
		},
	};
}

interface Pending {
	readonly limit: number;
	readonly patience: number;
	readonly resolve: (frames: readonly Frame[]) => void;
	readonly reject: (error: CameraError) => void;
	timer?: NodeJS.Timeout;
}
