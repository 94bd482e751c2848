import { table } from "../../table.js";
import type { Delay, FalseAlarms } from "./measure.js";
import { HOUR } from "./script.js";

/** What the detector gave with one model. */
export interface Findings {
	readonly model: string;
	readonly alarms: readonly FalseAlarms[];
	readonly delays: readonly Delay[];
}

/** Delays of one kind of change. */
export interface Summary {
	readonly changes: number;
	/** Never seen. */
	readonly missed: number;
	/** Seen within 128 frames, or within 640 where it grows. */
	readonly inTime: number;
	/** Frames; a missed change counts as infinitely late. */
	readonly median: number;
	readonly p95: number;
	readonly max: number;
}

/** Frames that the detector may take: two windows of 64, ten where the change grows. */
const DEADLINE = { jump: 128, drift: 640 };

export function summary(delays: readonly Delay[]): Summary {
	const late = ({ frames = Number.POSITIVE_INFINITY }: Delay) => frames;
	const sorted = delays.map(late).sort((a, b) => a - b);
	const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
	return {
		changes: delays.length,
		missed: delays.filter(({ frames }) => frames === undefined).length,
		inTime: delays.filter((delay) => late(delay) <= DEADLINE[delay.severity === "drift" ? "drift" : "jump"]).length,
		median: quantile(0.5),
		p95: quantile(0.95),
		max: quantile(1),
	};
}

const perHour = ({ alarms, frames }: Pick<FalseAlarms, "alarms" | "frames">) => alarms / (frames / HOUR);

const total = (alarms: readonly FalseAlarms[]): FalseAlarms => ({
	stream: "all",
	alarms: alarms.reduce((sum, one) => sum + one.alarms, 0),
	frames: alarms.reduce((sum, one) => sum + one.frames, 0),
});

/** Tables for people. */
export function text({ model, alarms, delays }: Findings): string {
	const alarmRows = [...alarms, total(alarms)].map((row) => [
		row.stream,
		(row.frames / HOUR).toFixed(1),
		String(row.alarms),
		perHour(row).toFixed(2),
	]);
	const columns = [3, 4, 5, "drift"] as const;
	const names = [...new Set(delays.map(({ corruption }) => corruption))];
	const cell = (of: readonly Delay[]) => {
		const { changes, inTime, median, p95, max } = summary(of);
		const number = (frames: number) => (frames === Number.POSITIVE_INFINITY ? "–" : String(frames));
		return `${inTime}/${changes} ${[median, p95, max].map(number).join(" ")}`;
	};
	const delayRows = [...names, "all"].map((name) => [
		name,
		...columns.map((severity) =>
			cell(delays.filter((one) => (name === "all" || one.corruption === name) && one.severity === severity)),
		),
	]);
	return [
		`${model}: false alarms`,
		table(["nothing changes", "hours", "alarms", "an hour"], alarmRows),
		`${model}: changes seen in time, of how many; frames until then: median, 95 %, longest; –: not within 640`,
		table(["corruption", "severity 3", "severity 4", "severity 5", "drift 1 to 5"], delayRows),
	].join("\n\n");
}

/** The same for programs, every single delay included. */
export const json = ({ model, alarms, delays }: Findings): object => ({
	model,
	falseAlarms: [...alarms, total(alarms)].map((row) => ({ ...row, perHour: perHour(row) })),
	jumps: summaryOrNull(delays.filter(({ severity }) => severity !== "drift")),
	drifts: summaryOrNull(delays.filter(({ severity }) => severity === "drift")),
	delays: delays.map(({ frames, ...one }) => ({ ...one, frames: frames ?? null })),
});

const summaryOrNull = (delays: readonly Delay[]) => (delays.length === 0 ? null : summary(delays));
