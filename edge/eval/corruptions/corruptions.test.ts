import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../../mistake.js";
import type { FrameCorruption, Image, Severity } from "../image.js";
import { randomOf } from "../random.js";
import { corruptionOf, corruptions } from "./corruptions.js";
import { dissimilarity, distance, scene } from "./fixtures.js";

const SEVERITIES: readonly Severity[] = [1, 2, 3, 4, 5];
const PICTURES = [scene(64, 64, 1), scene(64, 64, 2), scene(96, 48, 3)];

/** Those that leave nothing to chance. */
const CERTAIN = ["defocus-blur", "zoom-blur", "brightness", "contrast", "pixelate", "jpeg", "haze"];

/** What grows with the severity: these change the exposure too, by published constants that are not in order. */
const MEASURES: Readonly<Record<string, (a: Image, b: Image) => number>> = {
	frost: dissimilarity,
	fog: dissimilarity,
};
/** The published constants of this one are two kinds of distortion, large and small. */
const STEPS: Readonly<Record<string, readonly (readonly [Severity, Severity])[]>> = {
	elastic: [
		[1, 2],
		[3, 4],
		[4, 5],
	],
	// From 2 to 3 the flakes become fewer and larger.
	snow: [
		[1, 2],
		[3, 4],
		[4, 5],
	],
};
const ALL_STEPS = SEVERITIES.slice(1).map((severity) => [(severity - 1) as Severity, severity] as const);

const isFrameCorruption = (corruption: { kind: string }): corruption is FrameCorruption => corruption.kind === "frame";

describe("the corruptions", () => {
	it("are the fifteen of ImageNet-C and six of cameras", () => {
		assert.equal(corruptions.length, 21);
		assert.equal(new Set(corruptions.map(({ name }) => name)).size, 21);
		assert.deepEqual(
			corruptions.filter(({ kind }) => kind === "clip").map(({ name }) => name),
			["h264"],
		);
	});

	it("are found by name, and an unknown name is told the known ones", () => {
		assert.equal(corruptionOf("fog").name, "fog");
		assert.throws(() => corruptionOf("mist"), {
			name: "Mistake",
			message: /"mist"; expected one of gaussian-noise, .*, h264/,
		});
		assert.throws(() => corruptionOf("toString"), Mistake);
	});
});

for (const corruption of corruptions.filter(isFrameCorruption)) {
	describe(corruption.name, () => {
		const apply = (image: Image, severity: Severity, seed: number) =>
			corruption.apply(image, severity, randomOf(seed, severity));

		it("keeps the size, the range from 0 to 1 and the picture it was given", () => {
			for (const severity of SEVERITIES) {
				for (const picture of PICTURES) {
					const before = picture.data.slice();
					const after = apply(picture, severity, 1);
					assert.deepEqual([after.width, after.height], [picture.width, picture.height]);
					assert.equal(after.data.length, picture.data.length);
					assert.ok(after.data.every((value) => value >= 0 && value <= 1));
					assert.deepEqual(picture.data, before);
					assert.ok(distance(after, picture) > 1e-5, `severity ${severity} does something`);
				}
			}
		});

		it("repeats itself for a seed", () => {
			assert.deepEqual(apply(PICTURES[0], 3, 5), apply(PICTURES[0], 3, 5));
		});

		it(CERTAIN.includes(corruption.name) ? "asks nothing of chance" : "is another for another seed", () => {
			const isSame = distance(apply(PICTURES[0], 3, 5), apply(PICTURES[0], 3, 6)) === 0;
			assert.equal(isSame, CERTAIN.includes(corruption.name));
		});

		it("takes more from the picture with each severity", () => {
			const measure = MEASURES[corruption.name] ?? distance;
			const lost = SEVERITIES.map((severity) => {
				let sum = 0;
				for (const picture of PICTURES) {
					for (let seed = 0; seed < 12; seed++) {
						sum += measure(corruption.apply(picture, severity, randomOf(seed)), picture);
					}
				}
				return sum;
			});
			for (const [less, more] of STEPS[corruption.name] ?? ALL_STEPS) {
				assert.ok(lost[more - 1] > 0.98 * lost[less - 1], `${less} to ${more}: ${lost.map((v) => v.toFixed(4))}`);
			}
		});

		it("copes with pictures of odd and of tiny sizes", () => {
			for (const [width, height] of [
				[1, 1],
				[3, 2],
				[17, 31],
			]) {
				for (const severity of SEVERITIES) {
					const after = apply(scene(width, height, 4), severity, 1);
					assert.ok(
						after.data.every((value) => value >= 0 && value <= 1),
						`${width} × ${height}`,
					);
				}
			}
		});
	});
}
