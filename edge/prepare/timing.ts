import { median } from "../bench/rates.js";

/** Milliseconds that a frame took each of several things, in every round. */
export type Timings<K extends string> = Readonly<Record<K, readonly number[]>>;

/**
 * Times things in turns, so that a noisy moment of the machine hits all alike; a first round, which warms up, is not counted.
 * @param runs what to time, in this order; each run is of `frames` frames
 * @param rounds how often each is timed, at least 1
 * @param now a clock in milliseconds
 */
export async function timed<K extends string>(
	runs: Readonly<Record<K, () => Promise<void>>>,
	rounds: number,
	frames: number,
	now: () => number = () => performance.now(),
): Promise<Timings<K>> {
	const names = Object.keys(runs) as K[];
	const timings = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>;
	for (let round = 0; round <= rounds; round++) {
		for (const name of names) {
			const began = now();
			await runs[name]();
			if (round > 0) timings[name].push((now() - began) / frames);
		}
	}
	return timings;
}

/** Median milliseconds a frame of each. */
export const medians = <K extends string>(timings: Timings<K>): Record<K, number> =>
	Object.fromEntries(Object.entries<readonly number[]>(timings).map(([name, all]) => [name, median(all)])) as Record<
		K,
		number
	>;

/** Median of the ratios within each round: what both saw was the same moment of the machine. */
export const medianRatio = <K extends string>(timings: Timings<K>, above: NoInfer<K>, below: NoInfer<K>): number =>
	median(timings[above].map((time, round) => time / timings[below][round]));
