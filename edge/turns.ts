import type { Activations, Model } from "../operators/types.js";

/** The model as one camera has it. */
export interface Seat {
	/** For predictions. */
	readonly model: Model;
	/** For passes of learning, which let every other camera's prediction go first, once. */
	readonly learner: Model;
}

/** Passes handed to the model: one that runs, and one that begins when it ends, so that the model's thread need not wait. */
const AHEAD = 2;

/** One camera's place in the order. */
interface Place {
	/** When it had its last turn. */
	last: number;
}

interface Waiting {
	readonly place: Place;
	readonly run: () => Promise<void>;
}

interface Learning extends Waiting {
	/** Whom it has let go first. */
	readonly passed: Set<Place>;
}

/**
 * Shares one model among cameras in fair turns: of those that wait, the camera goes first that has waited longest since its
 * last turn, so that none is slowed down by one that has more frames. Gives out a seat for each camera.
 */
export const openTurns = (model: Model): (() => Seat) => {
	const live: Waiting[] = [];
	const learning: Learning[] = [];
	let running = 0;
	let turns = 0;

	const next = (): Waiting | undefined => {
		const first = longest(live);
		const pass = longest(learning);
		// A pass that waited for ever would stop its camera, which comes to no batch before it is done.
		const chosen = first && !pass?.passed.has(first.place) ? first : (pass ?? first);
		if (chosen === undefined) return undefined;
		if (chosen === first) for (const { passed } of learning) passed.add(first.place);
		const queue: Waiting[] = chosen === first ? live : learning;
		queue.splice(queue.indexOf(chosen), 1);
		return chosen;
	};
	const go = () => {
		while (running < AHEAD) {
			const chosen = next();
			if (chosen === undefined) return;
			chosen.place.last = ++turns;
			running++;
			void chosen.run().finally(() => {
				running--;
				go();
			});
		}
	};
	const queued = (place: Place, enqueue: (waiting: Waiting) => void): Model => ({
		...model,
		forward: (pixels, affine) =>
			new Promise<Activations>((resolve, reject) => {
				enqueue({ place, run: () => model.forward(pixels, affine).then(resolve, reject) });
				go();
			}),
	});
	return () => {
		const place: Place = { last: 0 };
		return {
			model: queued(place, (waiting) => live.push(waiting)),
			learner: queued(place, (waiting) => learning.push({ ...waiting, passed: new Set() })),
		};
	};
};

/** Of those that wait, the one whose last turn is longest ago. */
const longest = <W extends Waiting>(queue: readonly W[]): W | undefined =>
	queue.reduce<W | undefined>((best, one) => (best && best.place.last <= one.place.last ? best : one), undefined);
