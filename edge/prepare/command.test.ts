import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Workshop, workshop } from "./fixtures.js";

const main = fileURLToPath(new URL("../main.js", import.meta.url));

const acclimateIn = (cwd: string, ...args: string[]) =>
	new Promise<{ code: unknown; out: string; err: string }>((resolve) =>
		execFile(process.execPath, [main, ...args], { cwd }, (error, out, err) =>
			resolve({ code: error?.code ?? 0, out, err }),
		),
	);
const acclimate = (...args: string[]) => acclimateIn(".", ...args);

describe("acclimate prepare", () => {
	let shop: Workshop;
	let usual: string[];
	before(async () => {
		shop = await workshop();
		usual = ["prepare", shop.model, "--calibration", shop.calibration, "--out", shop.out];
	});
	after(() => shop.remove());

	it("tells of a mistake in a flag in one sentence that names it, before anything is done", async () => {
		const wrong: [string, string, RegExp][] = [
			["--bits", "5", /^--bits: expected 4, 6, 8 or 32, got 5\n$/],
			["--ranges", "minmax", /^--ranges: expected min-max, percentile or mse, got minmax\n$/],
			["--fit", "fill", /^--fit: expected stretch, crop or pad, got fill\n$/],
			["--statistics", "frame", /^--statistics: expected running or batch, got frame\n$/],
			["--size", "224", /^--size: expected height x width such as 224x224, got 224\n$/],
			["--mean", "1,2", /^--mean: expected three numbers .*, got 1,2\n$/],
			["--std", "1/0", /^--std: expected three numbers .*, got 1\/0\n$/],
			["--sites", "stem,,", /^--sites: expected names with commas between them, got stem,,\n$/],
		];
		await Promise.all(
			wrong.map(async ([flag, value, message]) => {
				const { code, err } = await acclimate(...usual, flag, value);
				assert.equal(code, 2, err);
				assert.match(err, message);
			}),
		);
	});

	it("asks how pixels were normalized where neither flags nor JSON say so", async () => {
		const { code, err } = await acclimate(...usual);
		assert.equal(code, 2, err);
		assert.match(err, /neither --mean and --std nor a JSON file beside it says how pixels were normalized; .*\n$/);
		assert.equal(err.split("\n").length, 2);
	});

	it("tells of each step and prints how the bundle compares", async () => {
		const { code, out, err } = await acclimate(...usual, "--mean", "0.5", "--std", "0.5", "--fit", "pad");
		assert.equal(code, 0, err);
		assert.match(out, /read 36 calibration pictures/);
		assert.match(out, /quantized \+ adaptable\n/);
		assert.match(out, /agrees with the original on [\d.]+ % of \d+ held-back pictures/);
		assert.equal(JSON.parse(await readFile(join(shop.out, "manifest.json"), "utf8")).input.fit, "pad");
	});

	it("does what the README shows, with pictures that are not in class folders", async () => {
		const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
		const [, shown] = /npx acclimate (prepare [\s\S]*?[^\\])\n/.exec(readme) ?? [];
		const { directory, model, calibration } = shop;
		await copyFile(model, join(directory, "vit.onnx"));
		await writeFile(join(directory, "labels.txt"), "one\ntwo\nthree\n");
		await mkdir(join(directory, "frames"));
		for (const path of (await readdir(calibration, { recursive: true })).filter((name) => name.endsWith(".png")))
			await copyFile(join(calibration, path), join(directory, "frames", path.replaceAll(sep, "-")));
		const { code, err } = await acclimateIn(directory, ...shown.split(/[\s\\]+/));
		assert.equal(code, 0, err);
		const manifest = JSON.parse(await readFile(join(directory, "my-model", "manifest.json"), "utf8"));
		assert.deepEqual(manifest.labels, ["one", "two", "three"]);
	});

	it("prints the manifest and nothing else for programs", async () => {
		const { code, out, err } = await acclimate(...usual, "--mean", "0.5", "--std", "0.5", "--json");
		assert.equal(code, 0, err);
		assert.deepEqual(JSON.parse(out), JSON.parse(await readFile(join(shop.out, "manifest.json"), "utf8")));
	});
});
