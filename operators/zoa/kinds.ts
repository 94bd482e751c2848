import { type Moments, shiftScore } from "./moments.js";

/** Shift score up to which two frames look alike. */
const ALIKE = 0.8;

/** Places of frames whose stems look alike, the largest group first; each frame is in one of them. */
export const alike = (stems: readonly Moments[]): number[][] => {
	const groups: number[][] = [];
	let left = [...stems.keys()];
	while (left.length > 0) {
		const near = left.map((i) => left.filter((k) => k === i || shiftScore(stems[i], stems[k]) < ALIKE));
		const largest = near.reduce((best, own) => (own.length > best.length ? own : best));
		groups.push(largest);
		left = left.filter((i) => !largest.includes(i));
	}
	return groups;
};
