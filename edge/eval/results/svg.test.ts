import assert from "node:assert/strict";
import { test } from "node:test";
import { METHODS } from "./svg.js";

type Colour = readonly number[];

const linear = (hex: string): Colour =>
	[1, 3, 5].map((i) => {
		const value = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
		return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
	});

const times = (matrix: readonly Colour[], colour: Colour): Colour =>
	matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * colour[i], 0));

const XYZ = [
	[0.4124, 0.3576, 0.1805],
	[0.2126, 0.7152, 0.0722],
	[0.0193, 0.1192, 0.9505],
];

const contrast = (a: string, b: string): number => {
	const [dark, light] = [a, b].map((hex) => times(XYZ, linear(hex))[1]).sort((p, q) => p - q);
	return (light + 0.05) / (dark + 0.05);
};

/** What no sight, and sight without one of the three cones, makes of a colour (Machado, Oliveira and Fernandes 2009). */
const SIGHTS: Readonly<Record<string, readonly Colour[]>> = {
	normal: [
		[1, 0, 0],
		[0, 1, 0],
		[0, 0, 1],
	],
	protanopia: [
		[0.152286, 1.052583, -0.204868],
		[0.114503, 0.786281, 0.099216],
		[-0.003882, -0.048116, 1.051998],
	],
	deuteranopia: [
		[0.367322, 0.860646, -0.227968],
		[0.280085, 0.672501, 0.047413],
		[-0.01182, 0.04294, 0.968881],
	],
	tritanopia: [
		[1.255528, -0.076749, -0.178779],
		[-0.078411, 0.930809, 0.147602],
		[0.004733, 0.691367, 0.3039],
	],
};

const lab = (colour: Colour): Colour => {
	const [x, y, z] = times(XYZ, colour)
		.map((value, i) => value / [0.9505, 1, 1.089][i])
		.map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
	return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

const distance = (a: string, b: string, sight: readonly Colour[]): number => {
	const [one, other] = [a, b].map((hex) =>
		lab(times(sight, linear(hex)).map((value) => Math.min(Math.max(value, 0), 1))),
	);
	return Math.hypot(...one.map((value, i) => value - other[i]));
};

for (const [column, ground, name] of [
	[1, "#ffffff", "light"],
	[2, "#0d1117", "dark"],
] as const) {
	test(`the colours of the methods stand out from a ${name} ground`, () => {
		for (const ink of METHODS)
			assert.ok(contrast(ink[column], ground) >= 3, `${ink[column]}: ${contrast(ink[column], ground)}`);
	});

	test(`the colours on a ${name} ground are told apart by all kinds of sight`, () => {
		for (const [sight, matrix] of Object.entries(SIGHTS))
			METHODS.forEach((one, i) => {
				for (const other of METHODS.slice(0, i))
					assert.ok(
						distance(one[column], other[column], matrix) >= 20,
						`${one[column]} and ${other[column]}, ${sight}`,
					);
			});
	});
}
