import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Mistake } from "../mistake.js";
import { besideModel, chooseSettings, describeSettings } from "./settings.js";

let root: string;
let folders = 0;
before(async () => {
	root = await mkdtemp(join(tmpdir(), "acclimate-settings-"));
});
after(() => rm(root, { recursive: true }));

/** A folder with these files in it, and the path of `model.onnx` there, which need not exist. */
async function folderWith(files: Readonly<Record<string, unknown>>, model = "model.onnx"): Promise<string> {
	const folder = join(root, String(++folders));
	for (const [name, content] of Object.entries(files)) {
		await mkdir(dirname(join(folder, name)), { recursive: true });
		await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
	}
	return join(folder, model);
}

/** What is said by one file, without where. */
async function told(name: string, content: unknown) {
	const { from: _, ...rest } = await besideModel(await folderWith({ [name]: content }));
	return rest;
}

const isMistake = (message: RegExp) => (error: unknown) => {
	assert.ok(error instanceof Mistake, String(error));
	assert.match(error.message, message);
	assert.ok(!error.message.includes("\n"));
	return true;
};

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const HALF = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const square = (side: number) => ({ height: side, width: side });

describe("timm's config.json", () => {
	const cfg = { ...IMAGENET, input_size: [3, 224, 288], crop_pct: 0.9, interpolation: "bicubic", num_classes: 2 };

	it("tells mean, std and size, and the fit by its crop mode", async () => {
		for (const [crop_mode, fit] of Object.entries({ center: "crop", squash: "stretch", border: "pad" })) {
			assert.deepEqual(await told("config.json", { architecture: "vit_tiny", pretrained_cfg: { ...cfg, crop_mode } }), {
				...IMAGENET,
				size: { height: 224, width: 288 },
				fit,
			});
		}
	});

	it("may have its keys at the top, and labels at either place", async () => {
		const size = { height: 224, width: 288 };
		assert.deepEqual(await told("config.json", { ...cfg, label_names: ["cat", "dog"] }), {
			...IMAGENET,
			size,
			labels: ["cat", "dog"],
		});
		const nested = { pretrained_cfg: cfg, label_names: { 1: "dog", 0: "cat" } };
		assert.deepEqual((await told("config.json", nested)).labels, ["cat", "dog"]);
	});

	it("says nothing by a key that is null", async () => {
		assert.deepEqual(
			await told("config.json", { pretrained_cfg: { ...cfg, label_names: null, mean: null, std: null } }),
			{
				size: { height: 224, width: 288 },
			},
		);
	});
});

describe("Hugging Face's preprocessor_config.json", () => {
	const kinds: [string, object, object][] = [
		[
			"a vision transformer's, which distorts pictures",
			{ ...HALF, do_normalize: true, do_resize: true, do_rescale: true, rescale_factor: 1 / 255, size: square(224) },
			{ ...half, size: square(224), fit: "stretch" },
		],
		["an older one, its size a number", { ...HALF, size: 224 }, { ...half, size: square(224), fit: "stretch" }],
		[
			"DeiT's, which cuts the middle out",
			{ ...HALF, size: 256, crop_size: 224, do_center_crop: true },
			{ ...half, size: square(224), fit: "crop" },
		],
		[
			"CLIP's, by the shortest edge",
			{ ...HALF, size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 }, do_center_crop: true },
			{ ...half, size: square(224), fit: "crop" },
		],
		[
			"ConvNeXt's of 224, which crops",
			{ ...HALF, size: { shortest_edge: 224 }, crop_pct: 0.875 },
			{ ...half, size: square(224), fit: "crop" },
		],
		[
			"ConvNeXt's of 384, which distorts",
			{ ...HALF, size: { shortest_edge: 384 }, crop_pct: 0.875 },
			{ ...half, size: square(384), fit: "stretch" },
		],
		["one with a crop that is switched off", { ...HALF, crop_size: 224, do_center_crop: false }, half],
		["one with a longest edge", { ...HALF, size: { shortest_edge: 800, longest_edge: 1333 } }, half],
		["one that does not resize", { ...HALF, size: 224, do_resize: false }, half],
		["one number for all channels", { image_mean: 0.5, image_std: 0.5 }, half],
		["one that does not normalize", { ...HALF, do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
		[
			"a model of 0..255",
			{ do_normalize: false, do_rescale: false },
			{ mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] },
		],
		["means on the scale of 0..255", { image_mean: 127.5, image_std: 127.5, do_rescale: false }, half],
		[
			"EfficientNet's offset",
			{ do_normalize: false, rescale_factor: 1 / 127.5, rescale_offset: true, do_rescale: true },
			half,
		],
		[
			"EfficientNet's deviations, which are roots",
			{ image_mean: [0.485, 0.456, 0.406], image_std: [0.5, 0.5, 0.5], include_top: true },
			{ mean: IMAGENET.mean, std: [0.25, 0.25, 0.25] },
		],
		["one that leaves normalization to its class", { do_normalize: true, image_processor_type: "X" }, {}],
	];
	for (const [name, content, expected] of kinds) {
		it(`is understood: ${name}`, async () =>
			assert.deepEqual(await told("preprocessor_config.json", content), expected));
	}

	it("with 17 digits for 1/255 leaves mean and std as they are", async () => {
		const content = { image_mean: IMAGENET.mean, image_std: IMAGENET.std, rescale_factor: 0.00392156862745098 };
		assert.deepEqual(await told("preprocessor_config.json", content), IMAGENET);
	});
});

describe("Hugging Face's config.json", () => {
	it("tells labels in the order of their numbers, and the size", async () => {
		const id2label = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [String(11 - i), `class ${11 - i}`]));
		const { labels, size } = await told("config.json", { model_type: "vit", image_size: 384, id2label });
		assert.deepEqual(
			labels,
			Array.from({ length: 12 }, (_, i) => `class ${i}`),
		);
		assert.deepEqual(size, square(384));
	});

	it("with placeholders for labels has none", async () => {
		assert.deepEqual(await told("config.json", { model_type: "vit", id2label: { 0: "LABEL_0", 1: "LABEL_1" } }), {});
	});
});

describe("what lies beside a model", () => {
	it("may be a file of its name with plain keys", async () => {
		const content = { ...IMAGENET, size: [192, 256], fit: "pad", labels: ["a", "b"] };
		assert.deepEqual(await told("model.json", content), { ...content, size: { height: 192, width: 256 } });
	});

	it("may be a file of its name with the keys of timm or Hugging Face", async () => {
		assert.deepEqual(await told("model.json", { pretrained_cfg: IMAGENET }), IMAGENET);
		const clip = { ...HALF, size: { shortest_edge: 224 } };
		assert.deepEqual(await told("model.json", clip), { ...half, size: square(224), fit: "crop" });
	});

	it("is taken key by key, the file of the model's name first, then the preprocessor's", async () => {
		const model = await folderWith({
			"model.json": { labels: ["x", "y"] },
			"preprocessor_config.json": { ...HALF, size: 256, crop_size: 224 },
			"config.json": { ...IMAGENET, input_size: [3, 192, 192], crop_mode: "border", label_names: ["a", "b"] },
		});
		const { from, ...rest } = await besideModel(model);
		assert.deepEqual(rest, { ...half, size: square(224), fit: "crop", labels: ["x", "y"] });
		const preprocessor = join(dirname(model), "preprocessor_config.json");
		assert.deepEqual(from, {
			mean: preprocessor,
			std: preprocessor,
			size: preprocessor,
			fit: preprocessor,
			labels: join(dirname(model), "model.json"),
		});
	});

	it("is looked for in the folder above too where the model lies in one called onnx", async () => {
		const files = { "config.json": { model_type: "vit", image_size: 64 }, "onnx/config.json": { std: 1 / 255 } };
		const found = await besideModel(await folderWith(files, "onnx/model.onnx"));
		assert.deepEqual(found.size, square(64));
		assert.deepEqual(found.std, [1 / 255, 1 / 255, 1 / 255]);
		assert.equal((await besideModel(await folderWith(files, "other/model.onnx"))).size, undefined);
	});

	it("is nothing where there is nothing, or nothing that is meant for us", async () => {
		for (const content of [{}, [], 7, null, { size: "large", labels: 3, compilerOptions: {}, image_size: "big" }]) {
			assert.deepEqual(await told("config.json", content), {});
		}
		assert.deepEqual(await told("config.json/deeper", "x"), {});
		assert.deepEqual(await besideModel("/nowhere/at/all.onnx"), { from: {} });
	});

	it("may begin with a byte order mark", async () => {
		assert.deepEqual(await told("model.json", `\uFEFF${JSON.stringify({ fit: "crop" })}`), { fit: "crop" });
	});

	it("may hold the labels of ImageNet-21k twice", async () => {
		const names = Array.from({ length: 21_842 }, (_, i) => `a class with a rather long name, the ${i}th of many`);
		const content = { id2label: { ...names }, label2id: Object.fromEntries(names.map((name, i) => [name, i])) };
		assert.equal((await told("config.json", content)).labels?.length, 21_842);
	});
});

describe("a mistake in a file beside the model is told in one sentence", () => {
	const cases: [string, string, unknown, RegExp][] = [
		["no JSON", "config.json", "{\n'mean': 1}", /config\.json: expected JSON$/],
		["a number JSON has not", "config.json", '{"mean": [NaN, 0, 0]}', /config\.json: expected JSON$/],
		["a file that is far too long", "model.json", " ".repeat(9 * 2 ** 20), /model\.json: expected .* at most 8 MB/],
		[
			"two means",
			"config.json",
			{ mean: [0.5, 0.5] },
			/config\.json: mean: expected three numbers, for R, G, B, found \[0\.5,0\.5\]$/,
		],
		[
			"a mean in words",
			"config.json",
			{ pretrained_cfg: { mean: "0.5" } },
			/pretrained_cfg\.mean: expected three numbers/,
		],
		["a mean without end", "config.json", '{"mean": [1e999, 0, 0]}', /mean: expected three numbers/],
		[
			"one channel",
			"config.json",
			{ input_size: [1, 28, 28] },
			/input_size: expected \[3, height, width\], found \[1,28,28\]/,
		],
		["a size of zero", "model.json", { size: 0 }, /size: expected a height and a width of 1 to 9999 pixels, found 0/],
		[
			"half a size",
			"preprocessor_config.json",
			{ ...HALF, size: { height: 224 } },
			/size: expected a height and a width/,
		],
		[
			"an edge in words",
			"preprocessor_config.json",
			{ ...HALF, size: { shortest_edge: "x" } },
			/size\.shortest_edge: /,
		],
		["an unknown crop mode", "config.json", { crop_mode: "tile" }, /crop_mode: expected one of squash, center, border/],
		["an inherited word", "config.json", { crop_mode: "constructor" }, /crop_mode: expected one of/],
		["an unknown fit", "model.json", { fit: "fill" }, /fit: expected one of stretch, crop, pad, found "fill"/],
		["a mean alone", "preprocessor_config.json", { image_mean: 0.5 }, /image_mean: expected image_std beside it/],
		["a deviation alone", "preprocessor_config.json", { image_std: 0.5 }, /image_std: expected image_mean beside it/],
		[
			"a word for a choice",
			"preprocessor_config.json",
			{ ...HALF, do_rescale: "no" },
			/do_rescale: expected true or false/,
		],
		[
			"a factor of zero",
			"preprocessor_config.json",
			{ ...HALF, rescale_factor: 0 },
			/rescale_factor: expected a number above 0/,
		],
		[
			"colours the other way round",
			"preprocessor_config.json",
			{ ...HALF, do_flip_channel_order: true },
			/takes R, G, B/,
		],
		[
			"a gap in the labels",
			"config.json",
			{ id2label: { 0: "a", 2: "c" } },
			/id2label: expected the keys 0 to 1 without a gap, 1 is missing/,
		],
		[
			"a label that is none",
			"config.json",
			{ id2label: { 0: "a", 1: " " } },
			/id2label\.1: expected a label, found " "/,
		],
		["labels in words", "model.json", { labels: "cat, dog" }, /labels: expected labels, found "cat, dog"/],
		[
			"too many labels",
			"model.json",
			{ labels: Array(100_001).fill("x") },
			/labels: expected at most 100000 labels, found 100001/,
		],
	];
	for (const [name, file, content, message] of cases) {
		it(name, async () => {
			await assert.rejects(besideModel(await folderWith({ [file]: content })), isMistake(message));
		});
	}
});

describe("the settings that hold", () => {
	const beside = { ...IMAGENET, size: square(224), fit: "crop", labels: ["a"], from: allFrom("m.json") } as const;
	function allFrom(file: string) {
		return { mean: file, std: file, size: file, fit: file, labels: file };
	}

	it("are the user's, else those beside the model", () => {
		assert.deepEqual(chooseSettings({}, beside, "m.onnx"), beside);
		const said = { mean: [0, 0, 0], std: [1, 1, 1], size: square(64), fit: "pad" } as const;
		assert.deepEqual(chooseSettings({ ...said, labels: "l.txt" }, beside, "m.onnx"), { ...said, from: {} });
		const some = chooseSettings({ fit: "pad", mean: undefined }, beside, "m.onnx");
		assert.deepEqual(some, {
			...beside,
			fit: "pad",
			from: { mean: "m.json", std: "m.json", size: "m.json", labels: "m.json" },
		});
	});

	it("fit by stretching where nobody says", () => {
		assert.deepEqual(chooseSettings(IMAGENET, { from: {} }, "m.onnx"), { ...IMAGENET, fit: "stretch", from: {} });
	});

	it("say which file they were taken from", () => {
		const { from } = chooseSettings(
			{ fit: "pad" },
			{ ...beside, from: { ...beside.from, labels: "n.json" } },
			"m.onnx",
		);
		assert.equal(describeSettings({ from }), "took mean, std, size from m.json and labels from n.json");
		assert.equal(describeSettings({ from: {} }), undefined);
	});

	it("are asked for by name where nobody says how pixels were normalized", () => {
		assert.throws(
			() => chooseSettings({}, { from: {} }, "m.onnx"),
			isMistake(/^m\.onnx: neither --mean and --std nor a JSON file beside it says .* --std 0\.229,0\.224,0\.225 /),
		);
		assert.throws(() => chooseSettings({ mean: [0, 0, 0] }, { from: {} }, "m.onnx"), isMistake(/neither --std nor/));
	});

	it("may be those of a model that takes 0..255", () => {
		const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;
		assert.deepEqual(chooseSettings(bytes, { from: {} }, "m.onnx").std, bytes.std);
	});

	it("are refused where a model cannot have been trained with them", () => {
		const refused = (said: object, message: RegExp) =>
			assert.throws(() => chooseSettings({ ...IMAGENET, ...said }, beside, "m.onnx"), isMistake(message));
		refused({ std: [0, 1, 1] }, /^--std 0,1,1: expected three numbers on a scale of 0 to 1, each std above 0$/);
		refused({ std: [0.2, -0.2, 0.2] }, /^--std .* above 0$/);
		refused({ std: [58, 57, 57] }, /^--std 58,57,57: .* scale of 0 to 1/);
		refused({ mean: [123, 116, 103] }, /^--mean 123,116,103: expected three numbers on a scale of 0 to 1$/);
		refused({ mean: [Number.NaN, 0, 0] }, /^--mean/);
		refused({ mean: [0.5, 0.5] }, /^--mean/);
		const wrong = { ...beside, std: [0, 0, 0] } as const;
		assert.throws(() => chooseSettings({}, wrong, "m.onnx"), isMistake(/^m\.json: std 0,0,0: expected/));
	});
});
