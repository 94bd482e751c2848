import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { Mistake } from "../mistake.js";
import { chooseLabels } from "./labels.js";

const folder = temporaryDirectory();

const choose = (file: string) =>
	chooseLabels(
		{ file, beside: undefined, besideFile: undefined, pictures: { pictures: [], skipped: [] }, calibration: "frames" },
		2,
	);

async function refused(text: string | Uint8Array, message: RegExp): Promise<void> {
	const file = join(folder, "labels.txt");
	await writeFile(file, text);
	await assert.rejects(choose(file), (error) => error instanceof Mistake && message.test(error.message));
}

describe("a file of labels", () => {
	it("has one a line, whatever ends the lines", async () => {
		const file = join(folder, "good.txt");
		await writeFile(file, "car\r\n truck \n\n");
		assert.deepEqual(await choose(file), ["car", "truck"]);
	});

	it("is refused in one sentence where it is something else", async () => {
		await refused("car\n\ntruck\n", /labels\.txt:2: expected a label, found an empty line$/);
		await refused("car\n", /labels\.txt: expected 2 labels, as many as the model has classes, found 1$/);
		await refused(new Uint8Array(9 * 2 ** 20), /labels\.txt: expected labels, one a line, in a file of at most 8 MB$/);
		await assert.rejects(choose(folder), /: cannot be read \(EISDIR\); expected labels, one a line$/);
		await assert.rejects(choose(join(folder, "none")), /: cannot be read \(ENOENT\); expected labels, one a line$/);
	});

	it("is not read where it never ends", { skip: process.platform === "win32" }, async () => {
		await assert.rejects(choose("/dev/zero"), /^Mistake: \/dev\/zero: expected labels, one a line, in a file/);
	});
});
