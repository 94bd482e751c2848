import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { modelContract } from "../../adapters/model.contract.js";
import { openModel } from "../../adapters/model.js";
import { Mistake } from "../mistake.js";
import { CLASSES, executed, SIDE, type TinyOptions, tinyTransformer, type Workshop, workshops } from "./fixtures.js";
import { consumersOf, edit, toFloats } from "./graph/graph.js";
import { decodeModel, encodeModel, type Tensor } from "./graph/onnx.js";
import { type PrepareOptions, prepare } from "./prepare.js";

const open = workshops();

for (const bits of [8, 32] as const) {
	modelContract(`a transformer prepared in ${bits} bits`, async () => {
		const shop = await open();
		await prepare({ ...shop, bits });
		return openModel(await openBundle(shop.out), { threads: 1 });
	});
}

describe("a model prepared in float", () => {
	const kinds: Record<string, TinyOptions> = {
		"a patch embedding": {},
		"a stem of convolutions": { stem: "conv" },
		"a stem of padded convolutions": { stem: "padded" },
		"the batch fixed to one frame": { batch: "fixed" },
		"opset 18, where reductions take their axes as an input": { opset: 18 },
		"opset 21": { opset: 21 },
		"linear layers written as Gemm": { gemm: true, batch: "fixed" },
		"probabilities at its end": { softmax: true },
	};
	for (const [name, options] of Object.entries(kinds)) {
		it(`gives the logits of the original, with ${name}`, async () => {
			const shop = await open(options);
			const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
			const { report } = await prepare({ ...shop, bits: 32, ...imagenet });
			assert.ok(report.frames >= 4);
			assert.equal(report.agreement, 1);
			assert.ok(report.logitError.max <= 1e-4, `largest logit error ${report.logitError.max}`);
		});
	}
});

describe("a model prepared in int8", () => {
	for (const [name, options] of Object.entries({
		patch: {},
		conv: { stem: "conv" },
		gemm: { gemm: true, batch: "fixed" },
	})) {
		it(`stays close to the original (${name})`, async () => {
			const shop = await open(options as TinyOptions);
			const { report } = await prepare(shop);
			assert.ok(report.agreement >= 0.8, `agreement ${report.agreement}`);
			assert.ok(report.logitError.max < 0.25, `largest logit error ${report.logitError.max}`);
		});
	}

	it("multiplies bytes in every linear layer, as ONNX Runtime executes it", async () => {
		const shop = await open({ blocks: 2 });
		await prepare(shop);
		const graph = await executed(shop);
		const count = (op: string) => graph.nodes.filter((node) => node.op === op).length;
		// Query, key, value, projection and two of the MLP in each block, and the patches.
		assert.equal(count("MatMulIntegerToFloat"), 2 * 6 + 1);
		assert.equal(count("Conv"), 0);
		const constant = graph.nodes.filter(
			({ op, inputs }) => (op === "MatMul" || op === "FusedMatMul") && graph.constants.has(inputs[1]),
		);
		assert.deepEqual(constant, []);
	});

	it("convolves bytes in every convolution, and once more, thinned, for the stem's moments", async () => {
		const shop = await open({ stem: "conv" });
		await prepare(shop);
		const graph = await executed(shop);
		assert.equal(graph.nodes.filter(({ op }) => op === "Conv").length, 0);
		assert.equal(graph.nodes.filter(({ op }) => op === "QLinearConv").length, 2 + 1);
	});
});

describe("what is written", () => {
	let shop: Workshop;
	before(async () => {
		shop = await open({ blocks: 6 });
		await prepare({ ...shop, fit: "pad" });
	});

	it("has plain inputs for pixels and affine, with no constant of the same name to override them", async () => {
		const graph = decodeModel(await readFile(join(shop.out, "model.onnx")), "model.onnx");
		assert.deepEqual(
			graph.inputs.map(({ name }) => name),
			["pixels", "affine"],
		);
		assert.ok(!graph.constants.has("affine"));
		const readers = consumersOf(graph).get("affine");
		assert.deepEqual(
			readers?.map(({ op }) => op),
			["Split"],
		);
		assert.ok(
			![...graph.constants.keys()].some((name) => name.startsWith("norm.")),
			"a LayerNorm's old parameters are left",
		);
	});

	it("describes the model", async () => {
		const { manifest } = await openBundle(shop.out);
		assert.equal(manifest.name, "model");
		assert.deepEqual(manifest.labels, ["a", "b", "c"]);
		assert.deepEqual(manifest.input, { width: SIDE, height: SIDE, order: "gbr", fit: "pad" });
		assert.deepEqual(manifest.sites[0], {
			name: "stem",
			kind: "stem",
			channels: 16,
			positions: 16,
			offset: 0,
			perturbed: false,
		});
		assert.equal(manifest.sites.length, 1 + 13);
		assert.equal(manifest.affine, 14 * 32);
		assert.deepEqual(manifest.taps.stages, Array(6).fill(16));
		assert.deepEqual(manifest.stem, { channels: 16, positions: 16 });
		assert.deepEqual(manifest.calibration, { frames: 36, labelled: true, classes: 3 });
	});

	it("perturbs all norms but those of the first block, the last quarter of the blocks and the final one", async () => {
		const { manifest } = await openBundle(shop.out);
		const names = manifest.sites.filter(({ perturbed }) => perturbed).map(({ name }) => name);
		assert.deepEqual(
			names,
			[1, 2, 3, 4].flatMap((block) => [`blocks.${block}.norm1`, `blocks.${block}.norm2`]),
		);
	});

	it("has source statistics that are the prepared model's own, overall and for each class", async () => {
		const bundle = await openBundle(shop.out);
		const { source, manifest } = bundle;
		const norm = manifest.sites.findIndex(({ name }) => name === "blocks.0.norm1");
		const before = manifest.sites.slice(0, norm).reduce((sum, { channels }) => sum + channels, 0);
		const S = source.sites.length / 2;
		const squares = source.sites.subarray(S + before, S + before + 16);
		// What a LayerNorm hands to its affine has mean square 1 over channels.
		assert.ok(Math.abs(squares.reduce((a, b) => a + b) / 16 - 1) < 1e-3);
		const mean = (values: Float32Array, i: number) =>
			[0, 1, 2].reduce((sum, c) => sum + values[(c * values.length) / CLASSES + i] / CLASSES, 0);
		for (const i of source.sites.keys()) assert.ok(Math.abs(mean(source.sitesByClass, i) - source.sites[i]) < 1e-4);
		for (const i of source.stem.keys()) assert.ok(Math.abs(mean(source.stemByClass, i) - source.stem[i]) < 1e-4);
		assert.ok(source.tapDeviation.every((deviation) => deviation > 0));
	});

	it("has stem moments from before the position embedding at the site, and from behind it in the stem output", async () => {
		const { source } = await openBundle(shop.out);
		const graph = tinyTransformer({ blocks: 6 });
		const position = toFloats([...graph.constants].find(([name]) => name.startsWith("position"))?.[1] as Tensor);
		const patches = position.length / 16 - 1;
		for (let c = 0; c < 16; c++) {
			let embedded = 0;
			for (let token = 1; token <= patches; token++) embedded += position[token * 16 + c] / patches;
			assert.ok(Math.abs(source.stem[c] - source.sites[c] - embedded) < 1e-4);
		}
	});

	it("is the same to the byte when prepared again", async () => {
		const again = { ...shop, out: join(shop.directory, "again"), fit: "pad" as const };
		await prepare(again);
		const { manifest } = await openBundle(shop.out);
		assert.deepEqual((await openBundle(again.out)).manifest, manifest);
	});
});

describe("prepare", () => {
	it("perturbs the sites that are asked for, and says what it found", async () => {
		const shop = await open();
		const said: string[] = [];
		const { manifest } = await prepare({ ...shop, sites: ["stem", "blocks.*.norm2"] }, (sentence) =>
			said.push(sentence),
		);
		const names = manifest.sites.filter(({ perturbed }) => perturbed).map(({ name }) => name);
		assert.deepEqual(names, ["stem", "blocks.0.norm2", "blocks.1.norm2"]);
		assert.match(
			said[0],
			/found a transformer of 2 blocks.*the stem and 5 LayerNorms are adaptable, 192 parameters; perturbed: stem, blocks\.0\.norm2/,
		);
	});

	it("takes the model's predictions for classes where the pictures have none", async () => {
		const shop = await open();
		const labels = join(shop.directory, "labels.txt");
		await writeFile(labels, "left\nright\nmiddle\n");
		const { manifest } = await prepare({ ...shop, labels });
		assert.equal(manifest.calibration.labelled, false);
	});

	it("counts, names and skips a broken picture", async () => {
		const shop = await open();
		await writeFile(join(shop.calibration, "b", "00.png"), "no picture");
		const said: string[] = [];
		const { manifest } = await prepare(shop, (sentence) => said.push(sentence));
		assert.equal(manifest.calibration.frames, 36);
		assert.match(said[1], /read 36 calibration pictures, skipped 1 that cannot be decoded: b\/00\.png$/);
	});
});

describe("a mistake is told in one sentence", () => {
	const cases: [string, TinyOptions, (shop: Workshop) => Promise<Partial<PrepareOptions>>, RegExp][] = [
		[
			"no model",
			{},
			async () => ({ model: "/nowhere/model.onnx" }),
			/^\/nowhere\/model.onnx: cannot be read \(ENOENT\)$/,
		],
		[
			"a model that is a picture",
			{},
			async (s) => ({ model: join(s.calibration, "a", "01.png") }),
			/01\.png: expected an ONNX model/,
		],
		[
			"a model that is empty",
			{},
			async (s) => ({ model: await written(s, "empty.onnx", "") }),
			/empty\.onnx: expected an ONNX model/,
		],
		["a model with an unknown field", {}, appended, /newer than this program/],
		[
			"no LayerNorm",
			{ opset: 17 },
			withoutNorms,
			/model\.onnx: found no place to adapt: expected norms, or convolutions/,
		],
		[
			"weights in half precision",
			{},
			inHalfPrecision,
			/holds float16 weights \(head\.weight\); expected a float32 model/,
		],
		["frames that influence each other", {}, mixingFrames, /other logits alone than in a batch/],
		[
			"another size",
			{},
			async () => ({ size: { height: 32, width: 32 } }),
			/its input is 16x16.*--size 32x32 does not fit/,
		],
		[
			"an unknown site",
			{},
			async () => ({ sites: ["blocks.9.*"] }),
			/no site is called blocks\.9\.\*; this model has stem, blocks\.0\.norm1/,
		],
		[
			"no calibration",
			{},
			async () => ({ calibration: "/nowhere" }),
			/^\/nowhere: cannot be read \(ENOENT\); expected calibration pictures$/,
		],
		["an empty folder", {}, emptyFolder, /no pictures in it; expected files ending in \.jpg/],
		["only broken pictures", {}, brokenFolder, /none of its 1 pictures can be decoded/],
		[
			"class folders of another number",
			{},
			async (s) => ({ calibration: join(s.calibration, "a") }),
			/3 classes apart.*0 class folders; name the classes with --labels/,
		],
		["too few labels", {}, async (s) => ({ labels: await written(s, "l.txt", "x\ny\n") }), /l\.txt: expected 3 labels/],
		[
			"an empty label",
			{},
			async (s) => ({ labels: await written(s, "l.txt", "x\n\ny\n") }),
			/l\.txt:2: expected a label/,
		],
		["a deviation of zero", {}, async () => ({ std: [0, 1, 1] }), /std above 0/],
		[
			"a text as video",
			{},
			async (s) => ({ calibration: await written(s, "clip.txt", "hello ".repeat(99)) }),
			/clip\.txt is not in one of the video formats/,
		],
	];
	for (const [name, model, change, message] of cases) {
		it(name, async () => {
			const shop = await open(model);
			await assert.rejects(prepare({ ...shop, ...(await change(shop)) }), (error) => {
				assert.ok(error instanceof Mistake, String(error));
				assert.match(error.message, message);
				assert.ok(!error.message.includes("\n"));
				return true;
			});
		});
	}
});

async function written(shop: Workshop, name: string, text: string): Promise<string> {
	const path = join(shop.directory, name);
	await writeFile(path, text);
	return path;
}

async function appended(shop: Workshop): Promise<Partial<PrepareOptions>> {
	// Field 99 of the model, a varint.
	await appendFile(shop.model, Buffer.from([0x98, 0x06, 0x01]));
	return {};
}

async function withoutNorms(shop: Workshop): Promise<Partial<PrepareOptions>> {
	const graph = tinyTransformer();
	const nodes = graph.nodes.map((node) => (node.op === "LayerNormalization" ? { ...node, op: "Identity" } : node));
	await writeFile(shop.model, encodeModel({ ...graph, nodes }));
	return {};
}

async function mixingFrames(shop: Workshop): Promise<Partial<PrepareOptions>> {
	const graph = edit(tinyTransformer(), (draft) => {
		const head = draft.nodes[draft.nodes.length - 2];
		const centred = draft.add("Sub", [head.inputs[0], draft.reduce("ReduceMean", head.inputs[0], [0])]);
		draft.replace(head.outputs[0], (node) => ({ ...node, inputs: [centred, ...node.inputs.slice(1)] }));
	});
	await writeFile(shop.model, encodeModel(graph));
	return {};
}

async function inHalfPrecision(shop: Workshop): Promise<Partial<PrepareOptions>> {
	const graph = tinyTransformer();
	const constants = new Map(graph.constants);
	const weight = constants.get("head.weight") as Tensor;
	constants.set("head.weight", { ...weight, type: 10, bytes: weight.bytes.subarray(weight.bytes.length / 2) });
	await writeFile(shop.model, encodeModel({ ...graph, constants }));
	return {};
}

async function emptyFolder(shop: Workshop): Promise<Partial<PrepareOptions>> {
	const calibration = join(shop.directory, "nothing");
	await mkdir(calibration);
	return { calibration };
}

async function brokenFolder(shop: Workshop): Promise<Partial<PrepareOptions>> {
	const { calibration } = await emptyFolder(shop);
	await writeFile(join(calibration as string, "a.jpg"), "no picture");
	return { calibration: calibration as string };
}
