/** Frames a second of one round. */
export interface Rates {
	/** ffmpeg decoding and scaling, its output thrown away. */
	readonly ffmpeg: number;
	/** ONNX Runtime on one thread of JavaScript, the same batch again and again. */
	readonly runtime: number;
	/** The clip through the pipeline with `method: none`, and with `zoa+`. */
	readonly endToEnd: number;
	readonly adapting: number;
	/** Frames of one domain from memory, so no decoding: with `method: none`; with `zoa+` the first half, and the second. */
	readonly inMemory: number;
	readonly learning: number;
	readonly settled: number;
}

export const median = (values: readonly number[]): number => {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Medians of the ratios within each round: what both sides of a ratio saw was the same moment of the machine. */
export const ratios = (samples: Readonly<Record<keyof Rates, readonly number[]>>) => {
	const each = (ratio: (rates: Rates) => number) =>
		median(
			samples.ffmpeg.map((_, i) =>
				ratio(Object.fromEntries(Object.entries(samples).map(([key, all]) => [key, all[i]])) as unknown as Rates),
			),
		);
	return {
		/** Both share the cores, so the limit is the rate of doing one after the other. */
		limit: each(({ endToEnd, ffmpeg, runtime }) => endToEnd * (1 / runtime + 1 / ffmpeg)),
		learning: each(({ inMemory, learning }) => inMemory / learning),
		settled: each(({ inMemory, settled }) => inMemory / settled),
		adapting: each(({ adapting, endToEnd }) => adapting / endToEnd),
	};
};
