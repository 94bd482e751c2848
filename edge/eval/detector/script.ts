import { between, type Random } from "../corruptions/random.js";
import type { Looks } from "./looks.js";

/** One frame of a camera's day: which frame of its clip, seen how. */
export interface Moment {
	readonly frame: number;
	readonly look: number;
}

/** Frames a second that an hour is counted with. */
export const RATE = 25;
export const HOUR = 3600 * RATE;

/** Frames from the end of one event to the next, on average. */
const QUIET = 16 * RATE;

/** At least and at most so many frames. */
const LASTS = {
	shake: [RATE, 4 * RATE],
	pan: [2 * RATE, 10 * RATE],
	exposure: [4 * RATE, 30 * RATE],
	empty: [4 * RATE, 40 * RATE],
} as const;

const STEP = RATE / 5;

/** What happens to cameras although no condition has changed, one after the other with quiet between. */
export function* clean(
	clip: { readonly frames: number; readonly emptiest: number },
	looks: Looks,
	random: Random,
): Generator<Moment, never> {
	const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
	let frame = 0;
	const on = () => (frame = (frame + 1) % clip.frames);
	const lasting = (kind: keyof typeof LASTS) => Math.round(between(random, LASTS[kind][0], LASTS[kind][1]));
	function* shown(count: number, look: () => number): Generator<Moment> {
		for (let i = 0; i < count; i++) yield { frame: on(), look: look() };
	}
	const events: readonly (() => Generator<Moment>)[] = [
		() => shown(lasting("shake"), () => pick(looks.shakes)),
		function* pan() {
			const path = pick(looks.pans);
			for (const look of path) yield* shown(STEP, () => look);
			yield* shown(lasting("pan"), () => path[path.length - 1]);
			for (const look of [...path].reverse()) yield* shown(STEP, () => look);
		},
		() => {
			const look = pick(looks.exposures);
			return shown(lasting("exposure"), () => look);
		},
		() => {
			frame = Math.floor(random() * clip.frames);
			return shown(1, () => looks.still);
		},
		function* empty() {
			for (let i = lasting("empty"); i > 0; i--) yield { frame: clip.emptiest, look: looks.still };
		},
	];
	while (true) {
		yield* shown(Math.ceil(-QUIET * Math.log(1 - random())), () => looks.still);
		yield* pick(events)();
	}
}
