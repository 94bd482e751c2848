import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { memoryBundle } from "../../adapters/model.memory.js";
import type { Bundle } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { bundled } from "../paths.js";
import { drawPictures } from "../prepare/fixtures.js";
import { readData } from "./data.js";

/** A model of the classes that `drawPictures` draws. */
const bundle: Bundle = (() => {
	const own = memoryBundle();
	return { ...own, manifest: { ...own.manifest, labels: ["a", "b", "c"] } };
})();

describe("labelled data", () => {
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "acclimate-data-"));
	});
	after(() => rm(folder, { recursive: true }));

	const drawn = async (name: string): Promise<string> => {
		const path = join(folder, name);
		await drawPictures(path);
		return path;
	};
	const refused = (path: string, message: RegExp) =>
		assert.rejects(readData(path, bundle), (error) => {
			assert.ok(error instanceof Mistake, String(error));
			assert.match(error.message, message);
			return true;
		});

	it("has the label of its folder for each picture, at the model's size", async () => {
		const { labels, remarks, picture, close } = await readData(await drawn("good"), bundle);
		assert.equal(labels.length, 36);
		assert.deepEqual([...new Set(labels)].sort(), [0, 1, 2]);
		const pictures = await Promise.all(labels.map((_, i) => picture(i)));
		assert.ok(pictures.every(({ length }) => length === 3 * 8 * 8));
		assert.ok(new Set(pictures.map(String)).size > 30, "pictures differ");
		assert.deepEqual(remarks, ["36 pictures of 3 classes"]);
		await close();
	});

	it("counts, names and skips a broken picture", async () => {
		const path = await drawn("broken");
		await writeFile(join(path, "b", "00.jpg"), "no picture");
		const { labels, remarks, close } = await readData(path, bundle);
		assert.equal(labels.length, 36);
		await close();
		assert.match(remarks[1], /skipped 1 that cannot be decoded: b\/00\.jpg/);
	});

	it("is refused where nothing is", async () => {
		await refused("/nowhere", /^\/nowhere: cannot be read \(ENOENT\); expected a folder of class folders/);
	});

	it("is refused with a class that the model does not know", async () => {
		const path = await drawn("unknown");
		await mkdir(join(path, "tram"));
		await refused(path, /has a folder tram, a class that the model does not know; expected a, b, c$/);
	});

	it("is refused with an empty class", async () => {
		const path = await drawn("empty");
		await rm(join(path, "c"), { recursive: true });
		await mkdir(join(path, "c"));
		await refused(path, /c: is empty; expected pictures of the class/);
		await writeFile(join(path, "c", "notes.txt"), "none yet");
		await refused(path, /c: is empty; expected pictures of the class/);
	});

	it("is refused without a picture, as a video is that nobody has labelled", async () => {
		await refused(bundled.package, /package\.json: has no pictures; expected .* or a video with its \.labels\.json/);
	});

	it("is refused without class folders", async () => {
		await refused(
			join(await drawn("flat"), "a"),
			/pictures outside of class folders; expected folders called a, b, c$/,
		);
	});
});
