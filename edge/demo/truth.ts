/** `road.labels.json`: what the drawn clip shows. */
export interface Truth {
	readonly fps: number;
	readonly region: readonly [number, number, number, number];
	readonly stretches: readonly Stretch[];
	/** The kind of vehicle that dominates the region in each frame; null where none does. */
	readonly frames: readonly (string | null)[];
}

/** Frames `from` up to but not including `to`, under one weather. */
export interface Stretch {
	readonly weather: string;
	readonly from: number;
	readonly to: number;
}

/** Share of the labelled frames of a stretch that were predicted right; `predicted[i]` is frame i's label. */
export const accuracy = ({ frames }: Truth, predicted: readonly string[], { from, to }: Stretch): number => {
	let labelled = 0;
	let right = 0;
	for (let i = from; i < to; i++) {
		if (frames[i] === null) continue;
		labelled++;
		if (predicted[i] === frames[i]) right++;
	}
	return right / labelled;
};

/** Mean accuracy over several stretches. */
export const meanAccuracy = (truth: Truth, predicted: readonly string[], stretches: readonly Stretch[]): number =>
	stretches.reduce((sum, stretch) => sum + accuracy(truth, predicted, stretch), 0) / stretches.length;
