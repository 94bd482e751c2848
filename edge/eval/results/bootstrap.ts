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
	/** Frames of one side. */
	readonly frames: number;
}

/** Neighbouring frames that are resampled together: what a method learned from one of them it used on the next. */
const BLOCK = 16;

/** With fewer blocks the interval would be too narrow; blocks are then made shorter. */
const BLOCKS = 20;

/**
 * Paired bootstrap of the difference to doing nothing, frames pooled over seeds: of each domain, and of the mean over
 * domains. The seed gives the same interval to the last digit.
 */
export const differences = (
	pairs: readonly Pair[],
	{ resamples = 2000, seed = 1 }: { readonly resamples?: number; readonly seed?: number } = {},
): { readonly domains: ReadonlyMap<string, Interval>; readonly mean: Interval } => {
	const blocks = blocksOf(pairs);
	let random = seed;
	const domains = new Map<string, Interval>();
	const sums = new Float64Array(resamples);
	for (const [domain, own] of blocks) {
		const drawn = new Float64Array(resamples);
		for (let i = 0; i < resamples; i++) {
			[drawn[i], random] = resampled(own, random);
			sums[i] += drawn[i] / blocks.size;
		}
		domains.set(domain, interval(share(own), drawn, frameCount(own)));
	}
	const all = [...domains.values()];
	return {
		domains,
		mean: interval(
			all.reduce((sum, { difference }) => sum + difference / all.length, 0),
			sums,
			all.reduce((sum, { frames }) => sum + frames, 0),
		),
	};
};

/** −1 or +1 where the interval lies on one side of nothing; 0 where it does not, or where frames are too few to tell. */
export const verdict = ({ low, high, frames }: Interval): -1 | 0 | 1 => {
	if (frames < BLOCKS) return 0;
	if (low > 0) return 1;
	return high < 0 ? -1 : 0;
};

/** Neighbouring frames: how many more of them the method got right than doing nothing did. */
interface Block {
	readonly gained: number;
	readonly frames: number;
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
			return { gained: block.reduce((sum, { gain }) => sum + gain, 0), frames: block.length };
		}),
	);
};

/** The difference in as many blocks, drawn with replacement. */
const resampled = (blocks: readonly Block[], random: RandomState): [difference: number, next: RandomState] => {
	let gained = 0;
	let frames = 0;
	let state = random;
	for (let i = 0; i < blocks.length; i++) {
		const [u, next] = uniform(state);
		state = next;
		const block = blocks[Math.floor(u * blocks.length)];
		gained += block.gained;
		frames += block.frames;
	}
	return [gained / frames, state];
};

const frameCount = (blocks: readonly Block[]) => blocks.reduce((sum, { frames }) => sum + frames, 0);
const share = (blocks: readonly Block[]) => blocks.reduce((sum, { gained }) => sum + gained, 0) / frameCount(blocks);

const interval = (difference: number, drawn: Float64Array, frames: number): Interval => {
	const [low, high] = percentiles(drawn, 0.025, 0.975);
	return { difference, low, high, frames };
};
