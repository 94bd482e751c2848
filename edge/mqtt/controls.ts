import { setTimeout as sleep } from "node:timers/promises";
import type { Command, Control } from "../../operators/types.js";

/** Between whoever gives commands and the cameras' pipelines, which take them when a round begins. */
export interface Controls {
	/** What a camera's pipeline asks. */
	of(camera: string): Control;
	/**
	 * Gives a camera a command; resolves when it was done, to the reason when it was not. After `patience` milliseconds
	 * without a round it is taken back.
	 */
	give(camera: string, command: Command, patience?: number): Promise<string | undefined>;
}

/** Commands that wait for a camera's next round. */
const MOST = 16;

type Waiting = NonNullable<ReturnType<Control["take"]>>;

export const openControls = (): Controls => {
	const queues = new Map<string, Waiting[]>();
	const queueOf = (camera: string) => {
		const queue = queues.get(camera) ?? [];
		queues.set(camera, queue);
		return queue;
	};
	return {
		of: (camera) => ({ take: () => queueOf(camera).shift() }),
		give(camera, command, patience) {
			const queue = queueOf(camera);
			if (queue.length >= MOST) return Promise.resolve(`${MOST} commands wait for ${camera} already`);
			return new Promise((done) => {
				const waiting: Waiting = { command, done };
				queue.push(waiting);
				if (patience === undefined) return;
				void sleep(patience, undefined, { ref: false }).then(() => {
					const at = queue.indexOf(waiting);
					if (at < 0) return;
					queue.splice(at, 1);
					done(`${camera} gives no frames, and what is asked of it is done between frames`);
				});
			});
		},
	};
};
