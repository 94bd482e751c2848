import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { zipSync } from "fflate";
import { ffmpegPath } from "../../../adapters/ffmpeg.js";
import { Mistake } from "../../mistake.js";
import { drawPictures } from "../fixtures.js";
import { codecOf, readPictures, takeTurns } from "./images.js";

const run = promisify(execFile);
const FITTING = { width: 16, height: 16, fit: "stretch" } as const;

describe("calibration pictures", () => {
	let root: string;
	before(async () => {
		root = await mkdtemp(join(tmpdir(), "acclimate-images-"));
		await drawPictures(join(root, "pictures"));
	});
	after(() => rm(root, { recursive: true }));

	it("are planes G, B, R of the asked size, with the folder they lay in, folders taking turns", async () => {
		const { pictures, skipped } = await readPictures(join(root, "pictures"), FITTING, 100);
		assert.equal(pictures.length, 36);
		assert.deepEqual(skipped, []);
		assert.deepEqual(
			pictures.slice(0, 4).map(({ folder }) => folder),
			["a", "b", "c", "a"],
		);
		assert.ok(pictures.every(({ pixels }) => pixels.length === 3 * 16 * 16));
	});

	it("have green in the first plane, blue in the second, red in the third", async () => {
		const directory = join(root, "colours");
		await mkdir(directory);
		await run(ffmpegPath(), [
			"-v",
			"error",
			"-f",
			"lavfi",
			"-i",
			"color=0x10C0F0:size=20x20",
			"-frames:v",
			"1",
			join(directory, "x.png"),
		]);
		const { pictures } = await readPictures(directory, FITTING, 10);
		// ffmpeg draws the colour in YUV, which costs a level or two.
		for (const [plane, level] of [0xc0, 0xf0, 0x10].entries()) {
			assert.ok(Math.abs(pictures[0].pixels[plane * 256 + 100] - level) <= 4, `plane ${plane}`);
		}
	});

	it("are the same from a zip as from its folder", async () => {
		const files: Record<string, Uint8Array> = { "__MACOSX/a/._01.png": Buffer.from("junk") };
		for (const name of await readdir(join(root, "pictures"), { recursive: true })) {
			if (name.endsWith(".png")) files[`top/${name}`] = await readFile(join(root, "pictures", name));
		}
		const zip = join(root, "pictures.zip");
		await writeFile(zip, zipSync(files));
		assert.deepEqual(await readPictures(zip, FITTING, 100), await readPictures(join(root, "pictures"), FITTING, 100));
	});

	it("of any kind and size may be mixed, and may be called like an option", async () => {
		const directory = join(root, "-i");
		await mkdir(directory);
		for (const [i, kind] of ["jpg", "png", "bmp", "jpg", "png", "webp", "webp"].entries()) {
			const size = `${20 + 7 * i}x${40 - 3 * i}`;
			const path = join(directory, `-y${i}.${kind}`);
			await run(ffmpegPath(), ["-v", "error", "-f", "lavfi", "-i", `testsrc=size=${size}`, "-frames:v", "1", path]);
		}
		// A picture goes by what it is, not by what it is called.
		await rename(join(directory, "-y1.png"), join(directory, "-y1.jpg"));
		const { pictures, skipped } = await readPictures(directory, FITTING, 100);
		assert.equal(pictures.length, 7);
		assert.deepEqual(skipped, []);
	});

	it("that are broken are named, and the others keep their places", async () => {
		const directory = join(root, "broken");
		await drawPictures(directory);
		const whole = await readPictures(directory, FITTING, 100);
		const cut = (await readFile(join(directory, "b", "05.png"))).subarray(0, 200);
		await writeFile(join(directory, "b", "05.png"), cut);
		await writeFile(join(directory, "c", "12.png"), "");
		const { pictures, skipped } = await readPictures(directory, FITTING, 100);
		assert.deepEqual(skipped, ["b/05.png", "c/12.png"]);
		const places = [...whole.pictures.keys()].filter((i) => i !== 3 * 4 + 1 && i !== 3 * 11 + 2);
		assert.deepEqual(
			pictures,
			places.map((i) => whole.pictures[i]),
		);
	});

	it("are evenly picked where there are more than the limit", () => {
		const files = (folder: string, count: number) =>
			Array.from({ length: count }, (_, i) => ({ name: `${folder}${String(i).padStart(3, "0")}`, folder }));
		const picked = takeTurns([...files("b", 100), ...files("a", 3)], 8).map(({ name }) => name);
		assert.deepEqual(picked, ["a000", "b000", "a001", "b025", "a002", "b050", "b075"]);
	});

	it("may be the frames of a video, evenly picked", async () => {
		const clip = join(root, "clip.mp4");
		await run(ffmpegPath(), [
			"-v",
			"error",
			"-f",
			"lavfi",
			"-i",
			"testsrc=size=64x48:rate=10",
			"-frames:v",
			"50",
			"-pix_fmt",
			"yuv420p",
			clip,
		]);
		const all = (await readPictures(clip, FITTING, 100)).pictures;
		assert.equal(all.length, 50);
		const some = (await readPictures(clip, FITTING, 10)).pictures;
		assert.deepEqual(
			some,
			[0, 8, 16, 24, 32, 40, 48].map((i) => all[i]),
		);
	});

	it("are a mistake where a folder of them cannot be listed", {
		skip: process.getuid?.() === 0 && "root may read anything",
	}, async () => {
		const folder = join(root, "closed");
		await mkdir(join(folder, "class"), { recursive: true });
		await chmod(join(folder, "class"), 0);
		await assert.rejects(
			readPictures(folder, FITTING, 10),
			(error) =>
				error instanceof Mistake && /cannot be read \(EACCES\); expected calibration pictures$/.test(error.message),
		);
		await chmod(join(folder, "class"), 0o700);
	});

	it("are a mistake where they are neither folder nor file", { skip: process.platform === "win32" }, async () => {
		await assert.rejects(
			readPictures("/dev/null", FITTING, 10),
			(error) =>
				error instanceof Mistake &&
				error.message === "/dev/null: is neither a folder nor a file; expected calibration pictures",
		);
	});

	it("are told apart by their first bytes", () => {
		assert.equal(codecOf(Buffer.from("ffd8ffe0", "hex")), "mjpeg");
		assert.equal(codecOf(Buffer.from("89504e470d0a1a0a", "hex")), "png");
		assert.equal(codecOf(Buffer.from("BM......")), "bmp");
		assert.equal(codecOf(Buffer.from("RIFF....WEBPVP8 ")), "webp");
		assert.equal(codecOf(Buffer.from("GIF89a")), undefined);
	});
});
