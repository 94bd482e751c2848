import type { Camera } from "../operators/types.js";
import { frameQueue } from "./frames.js";

export interface MemoryCameraOptions {
	/** The frames' pixels in order; each is given out as it is. */
	readonly pictures: readonly Uint8Array[];
	readonly loop?: boolean;
	/** Milliseconds between two frames of a live source. Absent: lossless, each frame when there is room for it. */
	readonly interval?: number;
	/** Names of parts; each picture is then given out once for each of them. */
	readonly regions?: readonly string[];
}

/** A camera whose frames are in memory, for tests: waits and drops like the real one. */
export function openMemoryCamera({ pictures, loop = false, interval, regions = [] }: MemoryCameraOptions): Camera {
	let next = 0;
	let timer: NodeJS.Timeout | undefined;
	let closed = false;
	const step = () => {
		if (closed) return;
		if (next < pictures.length) queue.push(Array(Math.max(1, regions.length)).fill(pictures[next++]));
		if (next < pictures.length) return;
		if (loop && next > 0) next = 0;
		else stop();
	};
	const stop = () => {
		closed = true;
		clearInterval(timer);
		queue.end();
	};
	const fill = () => {
		while (!closed && !queue.full) step();
	};
	const live = interval !== undefined;
	const queue = frameQueue({ live, names: regions, onRoom: () => live || fill() });
	if (live) timer = setInterval(step, interval);
	else fill();
	return {
		live,
		get waiting() {
			return queue.waiting;
		},
		get dropped() {
			return queue.dropped;
		},
		take: queue.take,
		async close() {
			stop();
		},
	};
}
