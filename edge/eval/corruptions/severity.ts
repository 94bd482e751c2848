import type { FrameCorruption, Image, Severity } from "../image.js";
import { clampInPlace } from "./planes.js";
import type { Random } from "./random.js";

/** One value for each severity. */
export type Five<T> = readonly [T, T, T, T, T];

export const at = <T>(table: Five<T>, severity: Severity): T => table[severity - 1];

/** A corruption of single pictures: what differs between severities stands in `table`; results are cut off at 0 and 1. */
export const perFrame = <T>(
	name: string,
	table: Five<T>,
	change: (image: Image, constants: T, random: Random) => Image,
): FrameCorruption => ({
	name,
	kind: "frame",
	apply: (image, severity, random) => clampInPlace(change(image, at(table, severity), random)),
});

/**
 * Pixels of this picture that `length` pixels of a picture of 224 × 224 amount to. The constants of ImageNet-C are made for
 * that size; Tiny-ImageNet-C, at 64 × 64, has smaller ones chosen by hand. Every length in pixels passes through here.
 */
export const pixels = ({ width, height }: Pick<Image, "width" | "height">, length: number): number =>
	(length * Math.min(width, height)) / 224;
