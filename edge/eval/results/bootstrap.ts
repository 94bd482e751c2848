import { type RandomState, uniform } from "../../../operators/zoa/random.js";
import { assertPaired, grouped, percentiles } from "./metrics.js";
import type { Seen } from "./run.js";

/** The same frames as a method saw them, and as they were seen with nothing done. */
export type Pair = readonly [adapting: readonly Seen[], nothing: readonly Seen[]];

/** A difference of accuracies, and what 95 of 100 resamplings lie between. */
export interface Interval {
	readonly difference: number;
	readonly low: number;
	readonly high: number;
	/** What it is the mean of: frames of one side, or changes. */
	readonly count: number;
}

/** Neighbouring frames that are resampled together: what a method learned from one of them it used on the next. */
const BLOCK = 16;

/** With fewer blocks the interval would be too narrow; blocks are then made shorter. */
const BLOCKS = 20;

export interface Resampling {
	readonly resamples?: number;
	/** The same one gives the same interval to the last digit. */
	readonly seed?: number;
}

/**
 * Paired bootstrap of the difference to doing nothing, frames pooled over seeds: of each domain, and of the mean over
 * domains.
 */
export const differences = (
	pairs: readonly Pair[],
	{ resamples = 2000, seed = 1 }: Resampling = {},
): { readonly domains: ReadonlyMap<string, Interval>; readonly mean: Interval } => {
	const blocks = blocksOf(pairs);
	let random = seed;
	const domains = new Map<string, Interval>();
	const sums = new Float64Array(resamples);
	for (const [domain, own] of blocks) {
		const [drawn, next] = draws(own, resamples, random);
		random = next;
		drawn.forEach((value, i) => {
			sums[i] += value / blocks.size;
		});
		domains.set(domain, interval(share(own), drawn, countOf(own)));
	}
	const all = [...domains.values()];
	return {
		domains,
		mean: interval(
			all.reduce((sum, { difference }) => sum + difference / all.length, 0),
			sums,
			all.reduce((sum, { count }) => sum + count, 0),
		),
	};
};

/** Bootstrap of the mean of differences that have nothing to do with each other, each counted by its frames; at least one. */
export const pooledDifference = (
	differences: readonly { readonly difference: number; readonly frames: number }[],
	{ resamples = 2000, seed = 1 }: Resampling = {},
): Interval => {
	const blocks = differences.map(({ difference, frames }) => ({ gained: difference * frames, count: frames }));
	return interval(share(blocks), draws(blocks, resamples, seed)[0], blocks.length);
};

/** Whether there are enough of what was drawn for an interval to say something. */
export const isTelling = ({ count }: Interval): boolean => count >= BLOCKS;

/** −1 or +1 where the interval lies on one side of nothing; 0 where it does not, or where there is too little to tell. */
export const verdict = (interval: Interval): -1 | 0 | 1 => {
	if (!isTelling(interval)) return 0;
	if (interval.low > 0) return 1;
	return interval.high < 0 ? -1 : 0;
};

/** Frames that are resampled together, and how many more of them were right. */
interface Block {
	readonly gained: number;
	readonly count: number;
}

const blocksOf = (pairs: readonly Pair[]): Map<string, Block[]> => {
	const gains = pairs.flatMap(([adapting, nothing], pair) => {
		assertPaired(adapting, nothing);
		return adapting.map(({ domain, correct }, i) => ({
			domain,
			pair,
			gain: Number(correct) - Number(nothing[i].correct),
		}));
	});
	return new Map([...grouped(gains, ({ domain }) => domain)].map(([domain, own]) => [domain, cut(own)]));
};

/** Blocks of the frames of one domain; none reaches from one seed into the next. */
const cut = (gains: readonly { readonly pair: number; readonly gain: number }[]): Block[] => {
	const size = Math.min(Math.max(Math.floor(gains.length / BLOCKS), 1), BLOCK);
	return [...grouped(gains, ({ pair }) => pair).values()].flatMap((own) =>
		Array.from({ length: Math.ceil(own.length / size) }, (_, i) => {
			const block = own.slice(i * size, (i + 1) * size);
			return { gained: block.reduce((sum, { gain }) => sum + gain, 0), count: block.length };
		}),
	);
};

/** So many differences in resampled blocks. */
const draws = (
	blocks: readonly Block[],
	resamples: number,
	random: RandomState,
): [drawn: Float64Array, next: RandomState] => {
	const drawn = new Float64Array(resamples);
	let state = random;
	for (let i = 0; i < resamples; i++) [drawn[i], state] = resampled(blocks, state);
	return [drawn, state];
};

/** The difference in as many blocks, drawn with replacement. */
const resampled = (blocks: readonly Block[], random: RandomState): [difference: number, next: RandomState] => {
	let gained = 0;
	let count = 0;
	let state = random;
	for (let i = 0; i < blocks.length; i++) {
		const [u, next] = uniform(state);
		state = next;
		const block = blocks[Math.floor(u * blocks.length)];
		gained += block.gained;
		count += block.count;
	}
	return [gained / count, state];
};

const countOf = (blocks: readonly Block[]) => blocks.reduce((sum, { count }) => sum + count, 0);
const share = (blocks: readonly Block[]) => blocks.reduce((sum, { gained }) => sum + gained, 0) / countOf(blocks);

const interval = (difference: number, drawn: Float64Array, count: number): Interval => {
	const [low, high] = percentiles(drawn, 0.025, 0.975);
	return { difference, low, high, count };
};
