import type { Interval } from "./bootstrap.js";
import type { Spread } from "./study.js";

/** Digits after the point; the sign is a minus, not a hyphen, and what rounds to nothing has none. */
export const fixed = (value: number, digits: number): string => {
	const size = Math.abs(value).toFixed(digits);
	return value < 0 && Number(size) !== 0 ? `−${size}` : size;
};

/** With a sign also where positive. */
export const signed = (value: number, digits: number): string => {
	const text = fixed(value, digits);
	return value > 0 && Number(text) !== 0 ? `+${text}` : text;
};

/** Shares as percent, one decimal. */
export const percent = (share: number): string => fixed(share * 100, 1);
export const points = (difference: number): string => signed(difference * 100, 1);

/** A value over seeds, with half their range where they differ. */
export const ranged = (value: Spread | undefined, show: (value: number) => string, half = show): string => {
	if (value === undefined) return "";
	return value.half > 0 ? `${show(value.mean)} ±${half(value.half)}` : show(value.mean);
};

export const between = ({ low, high }: Interval): string => `${points(low)} to ${points(high)}`;
