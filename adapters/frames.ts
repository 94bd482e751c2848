import type { Camera, EdgeError, Frame } from "../operators/types.js";

/** Frames that wait while nobody asks for any. */
const READ_AHEAD = 16;

/** Where frames wait to be taken: the one place that decides what happens when there are more than are wanted. */
export interface FrameQueue extends Pick<Camera, "live" | "waiting" | "dropped" | "take"> {
	/** A lossless source must wait now; `onRoom` tells when it may go on. Never true of a live one. */
	readonly full: boolean;
	/** Frames delivered so far, dropped ones included. */
	readonly delivered: number;
	/** Adds a frame that arrived now. */
	push(pixels: Uint8Array): void;
	/** No frame comes any more: `take` gives out what is left, then rejects with `error` or, without one, resolves to none. */
	end(error?: EdgeError): void;
}

/** A queue of at most 16 frames or as many as two takes ask for; a live one drops its oldest frame for a newer one. */
export function frameQueue({ live, onRoom }: { live: boolean; onRoom: () => void }): FrameQueue {
	const waiting: { readonly frame: Frame; readonly arrived: number }[] = [];
	let capacity = READ_AHEAD;
	let delivered = 0;
	let dropped = 0;
	let ended: { readonly error?: EdgeError } | undefined;
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
		push(pixels) {
			waiting.push({ frame: { index: delivered++, capturedAt: Date.now(), pixels }, arrived: performance.now() });
			if (live && waiting.length > capacity) {
				waiting.shift();
				dropped++;
			}
			settle();
		},
		end(error) {
			ended ??= error ? { error } : {};
			settle();
		},
		take(limit, patience) {
			if (pending !== undefined) return Promise.reject(new Error("take was called while another take is pending"));
			capacity = Math.max(READ_AHEAD, live ? limit : 2 * limit);
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
	readonly reject: (error: EdgeError) => void;
	timer?: NodeJS.Timeout;
}
