/** Reads keys of a JSON file; whatever is not as expected is a Mistake that names file and key. */

import { Mistake } from "../mistake.js";
import type { Normalization } from "./expose/image.js";
import type { Size } from "./open/open.js";

export type Triple = Normalization["mean"];
export type Fields = Readonly<Record<string, unknown>>;
/** Reads a key with one of the readers below; undefined where the key is absent or null. */
export type Read = <T>(key: string, reader: (value: unknown, where: string) => T) => T | undefined;

/** Classes in a file at most. */
const MOST_LABELS = 100_000;
const MOST_PIXELS = 9999;

export const isFields = (value: unknown): value is Fields =>
	typeof value === "object" && value !== null && !Array.isArray(value);

export const reading =
	(fields: Fields, file: string, prefix = ""): Read =>
	(key, reader) => {
		const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
		return value === undefined || value === null ? undefined : reader(value, `${file}: ${prefix}${key}`);
	};

/** Throws, whatever the value. */
export const refusal =
	(expected: string) =>
	(value: unknown, where: string): never => {
		const found = JSON.stringify(value);
		throw new Mistake(`${where}: expected ${expected}, found ${found.length > 60 ? `${found.slice(0, 60)}…` : found}`);
	};

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isLength = (value: unknown): value is number =>
	Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_PIXELS;

export function triple(value: unknown, where: string): Triple {
	const list = isNumber(value) ? [value, value, value] : value;
	if (Array.isArray(list) && list.length === 3 && list.every(isNumber)) return list as unknown as Triple;
	return refusal("three numbers, for R, G, B")(value, where);
}

export function side(value: unknown, where: string): Size {
	const [height, width] = isFields(value)
		? [value.height, value.width]
		: Array.isArray(value) && value.length === 2
			? value
			: [value, value];
	if (isLength(height) && isLength(width)) return { height, width };
	return refusal(`a height and a width of 1 to ${MOST_PIXELS} pixels`)(value, where);
}

export function inputSize(value: unknown, where: string): Size {
	if (Array.isArray(value) && value.length === 3 && value[0] === 3) return side(value.slice(1), where);
	return refusal("[3, height, width]")(value, where);
}

export const oneOf =
	<T>(known: Readonly<Record<string, T>>) =>
	(value: unknown, where: string): T =>
		typeof value === "string" && Object.hasOwn(known, value)
			? known[value]
			: refusal(`one of ${Object.keys(known).join(", ")}`)(value, where);

export const yesOrNo = (value: unknown, where: string): boolean =>
	typeof value === "boolean" ? value : refusal("true or false")(value, where);

export const positive = (value: unknown, where: string): number =>
	isNumber(value) && value > 0 ? value : refusal("a number above 0")(value, where);

/** Labels from a list, or from an object whose keys are 0 to C − 1; undefined where they are placeholders. */
export function words(value: unknown, where: string): readonly string[] | undefined {
	const list = isFields(value) ? inOrder(value, where) : value;
	if (!Array.isArray(list) || list.length === 0) return refusal("labels")(value, where);
	if (list.length > MOST_LABELS)
		throw new Mistake(`${where}: expected at most ${MOST_LABELS} labels, found ${list.length}`);
	const wrong = list.findIndex((label) => typeof label !== "string" || label.trim() === "");
	if (wrong >= 0) return refusal("a label")(list[wrong], `${where}.${wrong}`);
	// What Hugging Face writes where nobody named the classes.
	return list.every((label, i) => label === `LABEL_${i}`) ? undefined : list.map((label) => label.trim());
}

function inOrder(labels: Fields, where: string): unknown[] {
	const list = Object.keys(labels).map((_, i) => (Object.hasOwn(labels, i) ? labels[i] : undefined));
	const missing = list.indexOf(undefined);
	if (missing < 0) return list;
	throw new Mistake(`${where}: expected the keys 0 to ${list.length - 1} without a gap, ${missing} is missing`);
}
