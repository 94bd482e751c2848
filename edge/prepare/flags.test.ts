import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../mistake.js";
import { bits, names, size, triple, word } from "./flags.js";

const refused = (read: (text: string) => unknown, texts: readonly string[], message: RegExp) => {
	for (const text of texts) {
		assert.throws(
			() => read(text),
			(error) => error instanceof Mistake && message.test(error.message) && !error.message.includes("\n"),
			`"${text}"`,
		);
	}
};

describe("a flag of prepare", () => {
	it("takes one of a few words", () => {
		assert.equal(word("--fit", "stretch", "crop", "pad")("crop"), "crop");
		refused(
			word("--fit", "stretch", "crop", "pad"),
			["", "Crop", "fill"],
			/^--fit: expected stretch, crop or pad, got/,
		);
	});

	it("takes 4, 6, 8 or 32 bits", () => {
		assert.deepEqual(["4", "6", "8", "32"].map(bits), [4, 6, 8, 32]);
		refused(bits, ["", "5", "16", "8.0", "toString"], /^--bits: expected 4, 6, 8 or 32, got/);
	});

	it("takes a height and a width in pixels", () => {
		assert.deepEqual(size("192x256"), { height: 192, width: 256 });
		refused(
			size,
			["224", "0x224", "224x0", "22.4x3", "-1x5", "99999x5"],
			/^--size: expected height x width such as 224x224/,
		);
	});

	it("takes three numbers or one for all, fractions among them", () => {
		const std = triple("--std");
		assert.deepEqual(std("0.229,0.224, 0.225"), [0.229, 0.224, 0.225]);
		assert.deepEqual(std("1/255"), [1 / 255, 1 / 255, 1 / 255]);
		assert.deepEqual(std("58.395/255, 57.12/255, 0.225"), [58.395 / 255, 57.12 / 255, 0.225]);
		const wrong = ["", "1,2", "1,2,3,4", "a,b,c", "1,,2", "1/0", "1/2/3", "/2", "1/", "NaN,0,0", "Infinity,1,1"];
		refused(std, wrong, /^--std: expected three numbers for R, G, B such as 0\.5,0\.5,0\.5 or one such as 1\/255, got/);
	});

	it("takes names of sites", () => {
		assert.deepEqual(names("--sites")("stem, blocks.*.norm1"), ["stem", "blocks.*.norm1"]);
		refused(names("--sites"), ["", "stem,", ",", " "], /^--sites: expected names with commas between them, got/);
	});
});
