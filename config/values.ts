import { z } from "zod";
import { durationPattern, milliseconds } from "./duration.js";
import { bytes, sizePattern } from "./size.js";

/* What values of the configuration are made of. */

/** A number from `min` to `max` inclusive. */
export function number(min: number, max: number) {
	const error = `expected a number from ${min} to ${max}`;
	return z.number({ error }).min(min, { error }).max(max, { error });
}

/** A number above 0 and up to `max`. */
export function positive(max: number) {
	const error = `expected a number above 0, ${max} at most`;
	return z.number({ error }).positive({ error }).max(max, { error });
}

/** A whole number from `min` to `max` inclusive. */
export function whole(min: number, max: number) {
	const error = `expected a whole number from ${min} to ${max}`;
	return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A text with a unit, at most `longest`, that becomes milliseconds. */
export function duration(longest: string) {
	const error = (issue: { readonly input?: unknown }) =>
		`expected a duration such as 100ms, 5s, 2m or 1h${typeof issue.input === "number" ? " — give it a unit" : ""}`;
	return z
		.string({ error })
		.regex(durationPattern, { error })
		.transform(milliseconds)
		.refine((ms) => ms <= milliseconds(longest), { error: `expected a duration of ${longest} at most` });
}

/** A text with a unit, from `smallest` to `largest`, that becomes bytes. */
export function size(smallest: string, largest: string) {
	const error = "expected a size such as 500kB, 256MB or 1GB";
	const bounds = `expected a size from ${smallest} to ${largest}`;
	return z
		.string({ error })
		.regex(sizePattern, { error })
		.transform(bytes)
		.refine((value) => value >= bytes(smallest) && value <= bytes(largest), { error: bounds });
}

/** A text such as 20%, at most `largest`, that becomes a number from 0 to 1. */
export function share(largest: string) {
	const error = `expected a share such as 20%, ${largest} at most`;
	return z
		.string({ error })
		.regex(/^\d{1,2}(\.\d+)?%$/, { error })
		.transform((text) => Number.parseFloat(text) / 100)
		.refine((value) => value <= Number.parseFloat(largest) / 100, { error });
}

/** A text that is not empty. */
export function text(error: string, longest = 65_535) {
	return z.string({ error }).min(1, { error }).max(longest, { error });
}

/** A path; load.ts makes it absolute. */
export function path(error: string) {
	return text(error, 4096).refine((value) => !value.includes("\0"), { error });
}
