import { type Moments, shiftScore } from "./moments.js";

/** Shift score up to which two frames look alike. */
const ALIKE = 0.8;

/** Places of frames whose stems look alike, the largest group first; each frame is in one of them. */
export const alike = (stems: readonly Moments[]): number[][] => {
	const near = stems.map(() => new Array<boolean>(stems.length).fill(false));
	for (const [i, one] of stems.entries()) {
		near[i][i] = true;
		for (let k = 0; k < i; k++) near[i][k] = near[k][i] = shiftScore(one, stems[k]) < ALIKE;
	}
	const groups: number[][] = [];
	let left = [...stems.keys()];
	while (left.length > 0) {
		const own = left.map((i) => left.filter((k) => near[i][k]));
		const largest = own.reduce((best, group) => (group.length > best.length ? group : best));
		groups.push(largest);
		left = left.filter((i) => !largest.includes(i));
	}
	return groups;
};
