/** How the reader of ONNX files says no: what it refuses is one line, whatever the file's names are made of. */

import { Mistake } from "../../mistake.js";

/** Throws the mistake that tells this of the file. */
export type Refuse = (what: string, cause?: unknown) => never;

/** Refuses the file at a path. */
export const refusing =
	(path: string): Refuse =>
	(what, cause) => {
		throw new Mistake(`${path}: ${what}`, { cause });
	};

/** Line ends, characters that steer a terminal, and those that turn its writing round. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const LONGEST = 100;

/** Whether a text would break a sentence that it stands in. */
export const breaksLines = (text: string): boolean => CONTROL.test(text);

/** A name or a list as a sentence can hold it. */
export function shown(text: string): string {
	const safe = breaksLines(text.slice(0, LONGEST)) ? JSON.stringify(text.slice(0, LONGEST)) : text.slice(0, LONGEST);
	const line = safe.replace(new RegExp(CONTROL, "gu"), "?");
	return text.length > LONGEST ? `${line}…` : line;
}
