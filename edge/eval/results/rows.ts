import {
	accuracy,
	afterChanges,
	bankBytes,
	byDomain,
	calibrationError,
	type Detection,
	detection,
	lastAgainstFirst,
	latency,
	laterVisits,
	mean,
	meanAccuracy,
	passesPerFrame,
	worstAgainst,
} from "./metrics.js";
import type { Run, RunId } from "./run.js";
import { pooled, type Settling, settlings } from "./settling.js";

/** What became of one domain in one run. Shares are 0 to 1; what a run has no answer to is left out. */
export interface DomainRow extends RunId {
	readonly kind: "domain";
	readonly domain: string;
	readonly frames: number;
	readonly accuracy: number;
	/** To doing nothing, with the same seed. */
	readonly againstNone: number | undefined;
	readonly calibrationError: number;
	readonly passesPerFrame: number;
	/** Accuracy in the first frames after the stream changed to it, minus the accuracy as a whole. */
	readonly afterChange: number | undefined;
	readonly laterVisits: number | undefined;
	readonly lastAgainstFirst: number | undefined;
	readonly changes: Changes | undefined;
	readonly windowLater: WindowLater | undefined;
}

/** What became of a run; where a metric is one of domains, its mean over them. */
export interface RunRow extends RunId {
	readonly kind: "run";
	readonly frames: number;
	readonly domains: number;
	/** Mean over domains. */
	readonly accuracy: number;
	readonly againstNone: number | undefined;
	/** The domain that lost most against doing nothing, or gained least. */
	readonly worst: { readonly domain: string; readonly difference: number } | undefined;
	readonly calibrationError: number;
	readonly passesPerFrame: number;
	readonly afterChange: number | undefined;
	readonly laterVisits: number | undefined;
	readonly lastAgainstFirst: number | undefined;
	readonly changes: Changes | undefined;
	readonly windowLater: WindowLater | undefined;
	readonly falseAlarmsPerThousand: number | undefined;
	readonly bankBytes: number | undefined;
}

/** What a run took on this machine: the only line that differs when the same is run again. */
export interface CostRow extends RunId {
	readonly kind: "cost";
	readonly seconds: number;
	readonly milliseconds: { readonly p50: number; readonly p95: number };
	readonly heldBytes: number;
}

/** How the stream's changes were seen. */
export interface Changes {
	readonly count: number;
	readonly missed: number;
	/** Frames, mean over those seen. */
	readonly delay: number | undefined;
}

/** How far from its steady state the run was a window after changes that it saw, see `Settling`. */
export interface WindowLater {
	/** Those that can be judged. */
	readonly count: number;
	/** Mean over them, each counted by its frames. */
	readonly difference: number;
}

/** One row a domain. `nothing`: the run that did nothing on the same frames. */
export const domainRows = (run: Run, nothing?: Run): DomainRow[] => {
	const { frames } = run;
	const baseline = nothing && byDomain(nothing.frames);
	const [after, later, last] = [afterChanges(frames), laterVisits(frames), lastAgainstFirst(frames)];
	const detected = detection(frames);
	const settled = settlings(run, nothing);
	return [...byDomain(frames)].map(([domain, own]) => ({
		kind: "domain",
		...idOf(run),
		domain,
		frames: own.length,
		accuracy: accuracy(own),
		againstNone: baseline && accuracy(own) - accuracy(baseline.get(domain) ?? []),
		calibrationError: calibrationError(own),
		passesPerFrame: passesPerFrame(own),
		afterChange: after.get(domain),
		laterVisits: later.get(domain),
		lastAgainstFirst: last.get(domain),
		changes: detected && changesOf(detected.changes.filter((change) => change.domain === domain)),
		windowLater: windowLaterOf(settled.filter((change) => change.domain === domain)),
	}));
};

export const runRow = (run: Run, nothing?: Run): RunRow => {
	const { frames } = run;
	const detected = detection(frames);
	return {
		kind: "run",
		...idOf(run),
		frames: frames.length,
		domains: byDomain(frames).size,
		accuracy: meanAccuracy(frames),
		againstNone: nothing && meanAccuracy(frames) - meanAccuracy(nothing.frames),
		worst: nothing && worstAgainst(frames, nothing.frames),
		calibrationError: calibrationError(frames),
		passesPerFrame: passesPerFrame(frames),
		afterChange: meanOf(afterChanges(frames)),
		laterVisits: meanOf(laterVisits(frames)),
		lastAgainstFirst: meanOf(lastAgainstFirst(frames)),
		changes: detected && changesOf(detected.changes),
		windowLater: windowLaterOf(settlings(run, nothing)),
		falseAlarmsPerThousand: detected && (detected.falseAlarms / frames.length) * 1000,
		bankBytes: bankBytes(frames),
	};
};

export const costRow = (run: Run): CostRow => ({
	kind: "cost",
	...idOf(run),
	seconds: run.seconds,
	milliseconds: latency(run.frames),
	heldBytes: run.heldBytes,
});

/** A run's lines of JSON for `--json`: its domains, itself, and what it took. */
export const jsonLines = (run: Run, nothing?: Run): string =>
	[...domainRows(run, nothing), runRow(run, nothing), costRow(run)].map((row) => `${JSON.stringify(row)}\n`).join("");

const idOf = ({ model, stream, method, seed }: RunId): RunId => ({ model, stream, method, seed });

const meanOf = (values: ReadonlyMap<string, number>) => (values.size > 0 ? mean([...values.values()]) : undefined);

const changesOf = (all: Detection["changes"]): Changes | undefined => {
	if (all.length === 0) return undefined;
	const delays = all.flatMap(({ delay }) => (delay === undefined ? [] : [delay]));
	return {
		count: all.length,
		missed: all.length - delays.length,
		delay: delays.length > 0 ? mean(delays) : undefined,
	};
};

const windowLaterOf = (all: readonly Settling[]): WindowLater | undefined =>
	all.length > 0 ? { count: all.length, difference: pooled(all) } : undefined;
