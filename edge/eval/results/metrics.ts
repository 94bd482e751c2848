import type { Seen } from "./run.js";

/** Frames after a change that count as its beginning: five batches of eight. */
export const BEGINNING = 40;

/** Frames of the daemon's batch. A visit of fewer is taken for one in which frames of all domains are mixed. */
export const BATCH = 8;

/** Bins of the calibration error, of equal width. */
const BINS = 15;

export const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Values that these shares of all values do not exceed: the nearest rank, so always some of them. */
export const percentiles = (values: ArrayLike<number>, ...shares: readonly number[]): number[] => {
	const sorted = Float64Array.from(values).sort();
	return shares.map((share) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)]);
};

// ---------------------------------------------------------------- accuracy

/** Share of right predictions, 0 to 1. */
export const accuracy = (frames: readonly Seen[]): number =>
	frames.reduce((sum, { correct }) => (correct ? sum + 1 : sum), 0) / frames.length;

/** The frames of each domain, domains in the order in which the stream first shows them. */
export const byDomain = (frames: readonly Seen[]): Map<string, Seen[]> => grouped(frames, ({ domain }) => domain);

export const accuracies = (frames: readonly Seen[]): Map<string, number> => each(byDomain(frames), accuracy);

/** Mean over domains, each counted once however many frames it has. */
export const meanAccuracy = (frames: readonly Seen[]): number => mean([...accuracies(frames).values()]);

/** The largest loss against doing nothing; positive where the method gains in every domain. */
export const worstAgainst = (
	frames: readonly Seen[],
	nothing: readonly Seen[],
): { readonly domain: string; readonly difference: number } => {
	assertPaired(frames, nothing);
	const baseline = accuracies(nothing);
	const differences = each(accuracies(frames), (share, domain) => share - (baseline.get(domain) as number));
	const [domain, difference] = [...differences].reduce((a, b) => (b[1] < a[1] ? b : a));
	return { domain, difference };
};

/** Two runs can be compared frame by frame only if they saw the same frames. */
export const assertPaired = (one: readonly Seen[], other: readonly Seen[]): void => {
	if (one.length !== other.length || one.some((seen, i) => !sameFrame(seen, other[i])))
		throw new Error("runs that saw different frames were compared frame by frame");
};

const sameFrame = (a: Seen, b: Seen) => a.domain === b.domain && a.visit === b.visit && a.label === b.label;

// ---------------------------------------------------------------- over time

/** A change of the stream from one domain to another. */
export interface Change {
	readonly domain: string;
	/** The first frame after it, and the frame after the last before the next change. */
	readonly from: number;
	readonly to: number;
}

/**
 * Where a segment begins under another condition than the one before ended. The stream's own beginning is no change, nor
 * is a segment shorter than a batch.
 */
export const changes = (frames: readonly Seen[]): Change[] => {
	const starts = frames.flatMap(({ visit, domain }, i) =>
		i > 0 && visit !== frames[i - 1].visit && domain !== frames[i - 1].domain ? [i] : [],
	);
	return starts
		.map((from, k) => ({ domain: frames[from].domain, from, to: starts[k + 1] ?? frames.length }))
		.filter(({ from, to }) => to - from >= BATCH);
};

/**
 * Accuracy in the first frames after the changes, minus the accuracy in the same domains as a whole: how much a change
 * costs until the method has caught up. Domain by domain, of those the stream changes to.
 */
export const afterChanges = (frames: readonly Seen[], count = BEGINNING): Map<string, number> => {
	const whole = accuracies(frames);
	return each(
		grouped(changes(frames), ({ domain }) => domain),
		(all, domain) =>
			accuracy(all.flatMap(({ from, to }) => frames.slice(from, Math.min(from + count, to)))) -
			(whole.get(domain) as number),
	);
};

/** Accuracy in all later visits to a domain minus that in the first, of the domains that are visited again. */
export const laterVisits = (frames: readonly Seen[]): Map<string, number> =>
	again(frames, visited, ([first, ...later]) => accuracy(later.flat()) - accuracy(first));

/** Accuracy in the last round minus that in the first, or in the last visit where the stream has no rounds. */
export const lastAgainstFirst = (frames: readonly Seen[]): Map<string, number> =>
	again(
		frames,
		frames.some(({ round }) => round !== undefined) ? ({ round }) => round : visited,
		(all) => accuracy(all[all.length - 1]) - accuracy(all[0]),
	);

const visited = ({ visit }: Seen) => visit;

/** Compares the times at which a domain was seen, of the domains that were seen more than once. */
const again = (
	frames: readonly Seen[],
	time: (seen: Seen) => number | undefined,
	compare: (times: readonly Seen[][]) => number,
): Map<string, number> => {
	const times = each(byDomain(frames), (own) =>
		[...grouped(own, time).values()].filter(({ length }) => length >= BATCH),
	);
	return each(new Map([...times].filter(([, all]) => all.length > 1)), compare);
};

// ---------------------------------------------------------------- calibration

/** Expected calibration error: how far confidence and accuracy are apart, in bins of confidence, by their frames. */
export const calibrationError = (frames: readonly Seen[]): number => {
	// Of a model that has come apart the confidence is no number; it has none.
	const confidence = (seen: Seen) => (Number.isFinite(seen.confidence) ? seen.confidence : 0);
	const bins = grouped(frames, (seen) => Math.min(Math.floor(confidence(seen) * BINS), BINS - 1));
	return [...bins.values()].reduce(
		(sum, bin) => sum + (bin.length / frames.length) * Math.abs(accuracy(bin) - mean(bin.map(confidence))),
		0,
	);
};

// ---------------------------------------------------------------- detecting

export interface Detection {
	/** Of each change: frames from it to the first that was in a step which saw it; undefined if none did. */
	readonly changes: readonly { readonly domain: string; readonly delay: number | undefined }[];
	/** Changes seen where there was none, or again in the same visit; not where visits are shorter than a batch. */
	readonly falseAlarms: number;
}

/** What became of the stream's changes; undefined for methods that do not look for them. */
export const detection = (frames: readonly Seen[]): Detection | undefined => {
	if (frames.every(({ changed, believed }) => changed === undefined && believed === undefined)) return undefined;
	const visits = grouped(frames, visited);
	const long = (seen: Seen) => (visits.get(seen.visit)?.length ?? 0) >= BATCH;
	const { changes, others } = watched(frames);
	return {
		// A step may begin before the change that it sees.
		changes: changes.map(({ domain, from, alarm }) => ({ domain, delay: alarm && Math.max(alarm.from - from, 0) })),
		falseAlarms: others.filter(({ from, to }) => frames.slice(from, to).every(long)).length,
	};
};

/** A run of frames in steps that saw a change. */
interface Alarm {
	readonly from: number;
	readonly to: number;
}

/** A change with the first alarm in its visit; undefined where it was missed. */
export interface Watched extends Change {
	readonly alarm: Alarm | undefined;
}

/** The stream's changes as the method saw them, and its other alarms. */
export const watched = (
	frames: readonly Seen[],
): { readonly changes: readonly Watched[]; readonly others: readonly Alarm[] } => {
	const open = new Set(alarms(frames));
	const all = changes(frames).map((change) => {
		const alarm = [...open].find(({ from, to }) => to > change.from && from < change.to);
		if (alarm) open.delete(alarm);
		return { ...change, alarm };
	});
	return { changes: all, others: [...open] };
};

const alarms = (frames: readonly Seen[]): Alarm[] => {
	const starts = frames.flatMap(({ changed }, i) => (changed && !frames[i - 1]?.changed ? [i] : []));
	return starts.map((from) => {
		const length = frames.slice(from).findIndex(({ changed }) => !changed);
		return { from, to: length < 0 ? frames.length : from + length };
	});
};

// ---------------------------------------------------------------- what it takes

/** Times that a frame went through the model, on average; 1 where it is only predicted. */
export const passesPerFrame = (frames: readonly Seen[]): number => mean(frames.map(({ passes }) => passes));

/** What the method has stored by the end; undefined where it stores nothing. */
export const bankBytes = (frames: readonly Seen[]): number | undefined =>
	frames.findLast((seen) => seen.bankBytes !== undefined)?.bankBytes;

/** Milliseconds a frame that half of the frames, and 95 % of them, did not exceed. */
export const latency = (frames: readonly Seen[]): { readonly p50: number; readonly p95: number } => {
	const all = frames.map(({ milliseconds }) => milliseconds);
	const [p50, p95] = percentiles(all, 0.5, 0.95);
	return { p50, p95 };
};

// ---------------------------------------------------------------- groups

/** In the order of the first of each group. */
export const grouped = <T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> => {
	const groups = new Map<K, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		if (group) group.push(item);
		else groups.set(key(item), [item]);
	}
	return groups;
};

const each = <K, T, U>(groups: ReadonlyMap<K, T>, value: (group: T, key: K) => U): Map<K, U> =>
	new Map([...groups].map(([key, group]) => [key, value(group, key)]));
