/** What the flags of `acclimate prepare` may say; each reader takes the text behind the flag and throws a Mistake naming it. */

import { Mistake } from "../mistake.js";
import type { Normalization } from "./expose/image.js";
import type { Size } from "./open/open.js";

/** One of a few words. */
export const word =
	<T extends string>(flag: string, ...known: readonly T[]) =>
	(text: string): T => {
		const found = known.find((each) => each === text);
		if (found !== undefined) return found;
		throw new Mistake(`${flag}: expected ${known.slice(0, -1).join(", ")} or ${known.at(-1)}, got ${text}`);
	};

const BITS = { 4: 4, 6: 6, 8: 8, 32: 32 } as const;

export const bits = (text: string): 4 | 6 | 8 | 32 => BITS[word("--bits", "4", "6", "8", "32")(text)];

/** Height and width in pixels from `224x224`. */
export function size(text: string): Size {
	const match = /^(\d{1,4})x(\d{1,4})$/.exec(text);
	const [height, width] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
	if (height > 0 && width > 0) return { height, width };
	throw new Mistake(`--size: expected height x width such as 224x224, got ${text}`);
}

/** Numbers for R, G, B from `0.5,0.4,0.3`, or one for all; a number may be a fraction such as 1/255. */
export const triple =
	(flag: string) =>
	(text: string): Normalization["mean"] => {
		const values = text.split(",").map(numberFrom);
		const [r, g = r, b = r] = values;
		if ((values.length === 1 || values.length === 3) && values.every(Number.isFinite)) return [r, g, b];
		throw new Mistake(
			`${flag}: expected three numbers for R, G, B such as 0.5,0.5,0.5 or one such as 1/255, got ${text}`,
		);
	};

/** NaN where it is none. `Number` alone would take an empty text for 0. */
function numberFrom(text: string): number {
	const [above, below, ...more] = text.split("/").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	if (more.length > 0) return Number.NaN;
	return below === undefined ? above : above / below;
}

/** Names between commas, at least one. */
export const names =
	(flag: string) =>
	(text: string): string[] => {
		const list = text.split(",").map((name) => name.trim());
		if (!list.includes("")) return list;
		throw new Mistake(`${flag}: expected names with commas between them, got ${text === "" ? "nothing" : text}`);
	};
