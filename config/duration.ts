const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** What a duration looks like: a number and its unit, without a space. */
export const durationPattern = /^\d+(\.\d+)?(ms|s|m|h)$/;

/** Milliseconds in a duration such as `100ms`, `1.5s`, `2m`, `1h`; the text must fit `durationPattern`. */
export function milliseconds(text: string): number {
	const unit = text.replace(/^[\d.]+/, "") as keyof typeof MILLISECONDS;
	return Math.round(Number.parseFloat(text) * MILLISECONDS[unit]);
}
