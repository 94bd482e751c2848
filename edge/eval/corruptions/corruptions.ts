import { Mistake } from "../../mistake.js";
import type { Corruption } from "../image.js";
import { defocusBlur, glassBlur, motionBlur, zoomBlur } from "./blur.js";
import { haze, infrared, night } from "./camera.js";
import { contrast, elastic, pixelate } from "./digital.js";
import { frost } from "./frost.js";
import { h264 } from "./h264.js";
import { jpeg } from "./jpeg.js";
import { dirt, rain } from "./lens.js";
import { gaussianNoise, impulseNoise, shotNoise } from "./noise.js";
import { brightness, fog, snow } from "./weather.js";

/** Those of ImageNet-C in its order, then what cameras on poles meet. */
export const corruptions: readonly Corruption[] = [
	...[gaussianNoise, shotNoise, impulseNoise],
	...[defocusBlur, glassBlur, motionBlur, zoomBlur],
	...[snow, frost, fog, brightness],
	...[contrast, elastic, pixelate, jpeg],
	...[haze, night, infrared, rain, dirt, h264],
];

/**
 * The corruption of that name.
 * @throws {Mistake} when there is none
 */
export function corruptionOf(name: string): Corruption {
	const found = corruptions.find((corruption) => corruption.name === name);
	if (found !== undefined) return found;
	const known = corruptions.map((corruption) => corruption.name).join(", ");
	throw new Mistake(`there is no corruption called "${name}"; expected one of ${known}`);
}
