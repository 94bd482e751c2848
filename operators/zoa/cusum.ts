/**
 * Page's cumulative sum (Continuous Inspection Schemes, Biometrika 41, 1954): evidence that the mean of a standard normal
 * deviate has risen by SHIFT, a sum of log-likelihood ratios that does not fall below 0.
 */
const SHIFT = 3;

/** Frames that one deviate is evidence for; batches may be smaller or larger. */
const UNIT = 8;

/** Frames of an hour. Cameras that give fewer have fewer false alarms. */
const HOUR = 3600 * 25;

/** When evidence is enough. */
export interface Limits {
	/** The sum at which to raise an alarm. */
	readonly sum: number;
	/** Frames that it takes to get there at least, however strong the evidence. */
	readonly frames: number;
}

/**
 * While nothing changes exp(sum) deviates pass before a false alarm on average, at least (Lorden, Annals of Mathematical
 * Statistics 42, 1971).
 */
export const limitsFor = (alarmsAnHour: number, frames: number): Limits => ({
	sum: Math.log(Math.max(Math.E, HOUR / UNIT / alarmsAnHour)),
	frames,
});

/** The most that a batch of `count` frames adds. */
const most = ({ sum, frames }: Limits, count: number): number => (sum * count) / frames;

/** What the deviate of a batch of `count` frames adds. */
const evidenceOf = (deviate: number, count: number): number => (count / UNIT) * SHIFT * (deviate - SHIFT / 2);

export const accumulated = (sum: number, deviate: number, count: number, limits: Limits): number =>
	Math.max(0, sum + Math.min(most(limits, count), evidenceOf(deviate, count)));

/** Whether a batch says all that it can: strange by itself. */
export const isStrange = (deviate: number, count: number, limits: Limits): boolean =>
	evidenceOf(deviate, count) >= most(limits, count);
