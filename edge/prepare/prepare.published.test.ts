import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { sharedFile } from "../../adapters/fixtures.js";
import { modelContract } from "../../adapters/model.contract.js";
import { openModel } from "../../adapters/model.js";
import { distance, type Workshop, workshops, written } from "./fixtures.js";
import { drawnFrames } from "./fixtures.resnet.js";
import { toFloats, toIntegers } from "./graph/graph.js";
import { decodeModel, ElementType, type Graph, type Node, type Tensor } from "./graph/onnx.js";
import { openSession } from "./graph/session.js";
import { type Outcome, type PrepareOptions, prepare } from "./prepare.js";

const open = workshops();
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;

interface Published {
	readonly file: string;
	readonly classes: number;
	readonly taken: Pick<PrepareOptions, "mean" | "std">;
	/** How far the logits may be from the original's, in steps of its quantized logits; absent for a float model. */
	readonly steps?: number;
	/** Too large for all that every model has to do, in the time that tests have. */
	readonly large?: boolean;
}

const MODELS: readonly Published[] = [
	{ file: "coral_mobilenet_v1_0.25_128_quant.onnx", classes: 1001, taken: half, steps: 0 },
	{ file: "coral_mobilenet_v2_1.0_224_quant.onnx", classes: 1001, taken: half, steps: 0, large: true },
	{ file: "mlperf_pretrainedResnet.onnx", classes: 10, taken: bytes },
	// ONNX Runtime runs some of the original's convolutions in float.
	{ file: "mlperf_pretrainedResnet_quant.onnx", classes: 10, taken: bytes, steps: 1 },
];

for (const { file, classes, taken, steps, large } of MODELS) {
	const path = sharedFile(file) ?? "";
	const skip = path === "" && `${file} is not among the shared data`;
	const original = () => decodeModel(readFileSync(path), file);
	const bits = steps === undefined ? 32 : 8;
	let outcome: Promise<Outcome & { shop: Workshop }> | undefined;
	const prepared = () => {
		outcome ??= few().then(async (shop) => {
			const labels = join(shop.directory, "labels.txt");
			await writeFile(labels, Array.from({ length: classes }, (_, i) => `class ${i}\n`).join(""));
			return { ...(await prepare({ ...shop, model: path, ...taken, labels, bits })), shop };
		});
		return outcome;
	};

	describe(`${file}, prepared`, { skip }, () => {
		it("gives the logits that it gave before", async () => {
			const { report } = await prepared();
			const limit = steps === undefined ? 1e-4 : steps * stepOfLogits(original());
			assert.ok(
				report.logitError.max <= limit * 1.001,
				`largest logit error ${report.logitError.max}, at most ${limit}`,
			);
			assert.equal(report.agreement, 1);
		});

		it("keeps its integers", { skip: steps === undefined && "is float" }, async () => {
			const graph = original();
			const before = integersOf(graph, dequantizedConstants(graph));
			const { shop } = await prepared();
			const made = await written(shop);
			const convolutions = made.nodes.filter(({ op }) => op === "QLinearConv");
			const weights = convolutions.map(({ inputs: [, , , weight, , zero] }) => shiftedBack(made, weight, zero));
			const known = new Set(before.map(digest));
			// The first one's planes are in another order. It stands twice, as does every convolution of a site.
			const isFirst = (weight: readonly number[]) => digest(weight) === digest(weights[0]);
			for (const weight of weights) {
				assert.ok(
					known.has(digest(isFirst(weight) ? planesBack(weight) : weight)),
					"a weight that was not there before",
				);
			}
			const biases = convolutions.flatMap(({ inputs }) => made.constants.get(inputs[8]) ?? []).map(wholeOf);
			const opened = biasesOfSites(made);
			assert.equal(biases.length + opened.length, convolutions.length);
			for (const bias of [...biases, ...opened]) assert.ok(known.has(digest(bias)), "a bias that was not there before");
		});
	});

	describe(`${file} as a bundle`, { skip }, () => {
		if (large) {
			it("gives other logits when the affine of any site changes", async () => everySiteTells(await prepared()));
			return;
		}
		modelContract(
			`${file} in ${bits} bits`,
			async () => openModel(await openBundle((await prepared()).shop.out), { threads: 1 }),
			steps === undefined || skip ? 1e-3 : stepOfLogits(original()),
		);
	});
}

/** What takes the most time of the contract, on one frame and with scale and bias at once. */
async function everySiteTells({ shop, manifest }: Outcome & { shop: Workshop }): Promise<void> {
	const { source } = await openBundle(shop.out);
	const session = await openSession(await written(shop));
	const { width, height } = manifest.input;
	const logits = async (affine: Float32Array) => {
		const pixels = { data: drawnFrames(1, width), dims: [1, 3, height, width] };
		return (await session.run({ pixels, affine: { data: affine, dims: [affine.length] } })).logits.data as Float32Array;
	};
	try {
		const plain = await logits(source.affine);
		for (const { name, offset, channels } of manifest.sites) {
			const affine = source.affine.slice();
			for (let i = 0; i < 2 * channels; i++) affine[offset + i] += 0.5 * Math.sin(1 + i * i);
			assert.ok(distance(await logits(affine), plain) > 1e-3, `${name} does nothing`);
		}
	} finally {
		await session.close();
	}
}

/** A workshop with 12 pictures. */
async function few(): Promise<Workshop> {
	const shop = await open();
	for (const folder of await readdir(shop.calibration)) {
		const files = await readdir(join(shop.calibration, folder));
		for (const file of files.sort().slice(4)) await rm(join(shop.calibration, folder, file));
	}
	return shop;
}

function stepOfLogits({ nodes, constants }: Graph): number {
	const last = nodes.findLast(({ op }) => op === "QuantizeLinear") as Node;
	return toFloats(constants.get(last.inputs[1]) as Tensor)[0];
}

/** The constants of integers that a model's DequantizeLinear nodes read, and their zero points. */
const dequantizedConstants = ({ nodes, constants }: Graph) =>
	nodes.filter(({ op, inputs }) => op === "DequantizeLinear" && constants.has(inputs[0])).map(({ inputs }) => inputs);

const digest = (values: readonly number[]) => createHash("sha1").update(Int32Array.from(values)).digest("hex");

/** Integers less their zero points. */
const integersOf = (graph: Graph, constants: readonly (readonly string[])[]) =>
	constants.map(([name, , zero]) => shiftedBack(graph, name, zero));

function shiftedBack({ constants }: Graph, name: string, zero: string | undefined): number[] {
	const values = wholeOf(constants.get(name) as Tensor);
	const zeros = zero ? wholeOf(constants.get(zero) as Tensor) : [0];
	return values.map((value, i) => value - zeros[Math.floor((i * zeros.length) / values.length)]);
}

/** The biases that sites' convolutions have while the affine adds nothing to them, which stand together in one constant. */
function biasesOfSites({ nodes, constants }: Graph): number[][] {
	const sum = nodes.find(
		({ op, inputs }) => op === "Add" && constants.get(inputs[1])?.type === ElementType.int32,
	) as Node;
	const split = nodes.find(({ op, inputs }) => op === "Split" && inputs[0] === sum.outputs[0]) as Node;
	const all = wholeOf(constants.get(sum.inputs[1]) as Tensor);
	let at = 0;
	return toIntegers(constants.get(split.inputs[1]) as Tensor).map((length) => {
		at += length;
		return all.slice(at - length, at);
	});
}

function wholeOf({ type, bytes: raw }: Tensor): number[] {
	const { buffer } = new Uint8Array(raw);
	if (type === ElementType.int32) return Array.from(new Int32Array(buffer));
	return Array.from(type === ElementType.int8 ? new Int8Array(buffer) : new Uint8Array(buffer));
}

/** A 3×3 kernel's planes G, B, R as R, G, B. */
function planesBack(values: readonly number[]): number[] {
	const area = 9;
	return values.map((_, i) => {
		const [output, plane] = [Math.floor(i / area / 3), Math.floor(i / area) % 3];
		return values[(output * 3 + [2, 0, 1][plane]) * area + (i % area)];
	});
}

const golden = process.env.GOLDEN_DIR ?? join(sharedFile("") ?? "", "../golden");
const transformer = join(golden, "vit-fp32.onnx");
describe("the golden transformer, prepared", { skip: !existsSync(transformer) && `no model in ${golden}` }, () => {
	const run = async (width: 8 | 32) => {
		const shop = await few();
		const labels = join(shop.directory, "labels.txt");
		await writeFile(labels, "0\n1\n2\n3\n4\n5\n");
		return { ...(await prepare({ ...shop, model: transformer, labels, bits: width })), shop };
	};

	it("gives the logits that it gave before in float, and nearly those in int8", async () => {
		const float = await run(32);
		assert.ok(float.report.logitError.max <= 1e-4, `largest logit error ${float.report.logitError.max}`);
		const { report } = await run(8);
		assert.ok(report.logitError.max < 0.3, `largest logit error ${report.logitError.max}`);
	});
});
