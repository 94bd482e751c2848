import { setTimeout as sleep } from "node:timers/promises";

/** Lets somebody outside have a camera's source closed and opened anew. */
export interface Restarts {
	/** What a camera's watcher asks. */
	of(camera: string): Restart;
	/**
	 * Resolves when the source has been closed and is about to be opened anew, else to the reason why not: nobody watches the
	 * camera any more, or closing it takes longer than `patience` milliseconds, after which it is still opened anew.
	 */
	restart(camera: string, patience: number): Promise<string | undefined>;
}

export interface Restart {
	/** Asked before each opening; the signal says that it is to end, for the sake of the next one. */
	next(): AbortSignal;
	/** There will be no further opening. */
	over(): void;
}

interface Opening {
	readonly unwanted: AbortController;
	/** Told what has become of it: nothing, or a reason. */
	readonly asked: ((refusal?: string) => void)[];
}

export const openRestarts = (): Restarts => {
	const openings = new Map<string, Opening>();
	const leave = (camera: string, refusal?: string) => {
		const left = openings.get(camera);
		openings.delete(camera);
		for (const tell of left?.asked ?? []) tell(refusal);
	};
	const ended = (camera: string) => `${camera} has ended, and nobody watches it any more`;
	return {
		of: (camera) => ({
			next() {
				leave(camera);
				const unwanted = new AbortController();
				openings.set(camera, { unwanted, asked: [] });
				return unwanted.signal;
			},
			over: () => leave(camera, ended(camera)),
		}),
		async restart(camera, patience) {
			const opening = openings.get(camera);
			if (!opening) return ended(camera);
			const left = new Promise<string | undefined>((done) => opening.asked.push(done));
			opening.unwanted.abort();
			const late = `${camera} takes longer than ${patience / 1e3} s to close; it is opened anew when that is done`;
			return Promise.race([left, sleep(patience, late, { ref: false })]);
		},
	};
};
