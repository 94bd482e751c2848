import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { count, distance, executed, forward, tinyTransformer, workshops, written } from "./fixtures.js";
import { drawnFrames, type ResNetOptions, tinyResNet } from "./fixtures.resnet.js";
import { seeded } from "./fixtures.weights.js";
import { producersOf } from "./graph/graph.js";
import { ElementType, type Graph, type Tensor } from "./graph/onnx.js";
import { evaluate } from "./graph/session.js";
import { type PrepareOptions, prepare } from "./prepare.js";

const open = workshops();
const plain = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

async function prepared(model: Graph, options: Partial<PrepareOptions> = {}) {
	const shop = await open(model);
	const { report, manifest } = await prepare({ ...shop, ...plain, ...options });
	const { source } = await openBundle(shop.out);
	return { shop, report, manifest, source, graph: await written(shop) };
}

describe("a ResNet in int8, as ONNX Runtime executes it", () => {
	for (const [name, options] of Object.entries<ResNetOptions>({
		"live norms": {},
		"folded norms": { norms: "folded" },
		"a MaxPool before the first sum": { pool: true },
		ReLU6: { activation: "clip" },
		"depthwise convolutions": { block: "inverted" },
	})) {
		it(`convolves and adds bytes, and changes no whole map on the way (${name})`, async () => {
			const { shop, manifest, graph: plan } = await prepared(tinyResNet(options));
			const graph = await executed(shop);
			const convolutions = count(tinyResNet(options), "Conv");
			assert.equal(count(graph, "Conv", "FusedConv"), 0);
			assert.equal(count(graph, "QLinearConv"), convolutions + manifest.sites.length);
			assert.equal(count(graph, "QLinearAdd"), count(tinyResNet(options), "Add"));
			assert.equal(count(graph, "NhwcMaxPool", "MaxPool"), options.pool ? 1 : 0);
			assert.equal(count(graph, "Relu", "QuantizeLinear", "BatchNormalization", "HardSigmoid"), 0);
			// What is left adds and multiplies on short vectors: the affine's, and squares of what was thinned out.
			assert.deepEqual([count(graph, "Add"), count(graph, "Gemm")], [1, 1]);
			assert.ok(Math.max(...(await elementsOf(plan, ["Mul", "Sub"]))) < MANY);
		});
	}

	it("closes what is not opened without a trace", async () => {
		const few = await executed((await prepared(tinyResNet())).shop);
		const { shop, manifest } = await prepared(tinyResNet(), { sites: ["*"] });
		const all = await executed(shop);
		assert.equal(manifest.sites.length, 10);
		assert.equal(count(all, "QLinearConv") - count(few, "QLinearConv"), 10 - 5);
	});

	it("has nothing but bytes up to the classifier, which becomes bytes as well with --head", async () => {
		for (const head of ["gemm", "conv"] as const) {
			const { shop, report } = await prepared(tinyResNet({ head }), { head: true });
			assert.equal(count(await executed(shop), "Gemm", "Conv"), 0);
			assert.ok(report.logitError.max < 0.3, `${report.logitError.max}`);
		}
		const { shop } = await prepared(tinyTransformer(), { head: true });
		assert.equal(count(await executed(shop), "Gemm"), 0);
	});
});

/** A map of the first stage, of one frame. */
const MANY = 16 * 16 * 8;

/** How many elements of one frame the nodes of some kinds make. */
async function elementsOf(graph: Graph, kinds: readonly string[]): Promise<number[]> {
	const names = graph.nodes.filter(({ op }) => kinds.includes(op)).map(({ outputs }) => outputs[0]);
	const affine = graph.inputs[1].dims as number[];
	const found = await forward(graph, drawnFrames(1), new Float32Array(affine[0]), names);
	return names.map((name) => found[name].length);
}

describe("an affine in int8", () => {
	const models = new Map<string, ReturnType<typeof prepared>>();
	/** A ResNet prepared in int8 and in float, each once. */
	const both = async (norms: "live" | "folded") =>
		Promise.all(
			([8, 32] as const).map((bits) => {
				const key = `${norms} ${bits}`;
				const model = models.get(key) ?? prepared(tinyResNet({ norms }), { bits });
				models.set(key, model);
				return model;
			}),
		);

	const random = seeded(9);
	const changes: Readonly<Record<string, (value: number, part: "scale" | "bias") => number>> = {
		"smaller scales": (value, part) => (part === "scale" ? 0.6 * value : value),
		"other biases": (value, part) => (part === "bias" ? value + 0.4 * random() : value),
		"scales of both signs": (value, part) => (part === "scale" ? value * (random() < 0 ? -1 : 1) : value),
		"scales of zero": (value, part) => (part === "scale" && random() < 0 ? 0 : value),
	};
	for (const [name, change] of Object.entries(changes)) {
		for (const norms of ["live", "folded"] as const) {
			it(`does what it does in float, with ${name}, norms ${norms}`, async () => {
				const [int8, float] = await both(norms);
				const affine = float.source.affine.slice();
				for (const { offset, channels } of float.manifest.sites) {
					for (let i = 0; i < 2 * channels; i++) {
						affine[offset + i] = change(affine[offset + i], i < channels ? "scale" : "bias");
					}
				}
				const logits = async (graph: Graph, parameters: Float32Array) =>
					(await forward(graph, drawnFrames(8), parameters)).logits;
				const expected = await logits(float.graph, affine);
				const moved = distance(expected, await logits(float.graph, float.source.affine));
				const error = distance(await logits(int8.graph, affine), expected);
				assert.ok(moved > 0.1, `moved by ${moved}`);
				assert.ok(error < 0.15 + 0.15 * moved, `${error} from float, moved by ${moved}`);
			});
		}
	}
});

describe("fewer bits", () => {
	const models: Readonly<Record<string, () => Graph>> = {
		"a ResNet": () => tinyResNet({ pool: true }),
		"depthwise convolutions": () => tinyResNet({ block: "inverted", activation: "hardswish", norms: "folded" }),
		"norms before convolutions": () => tinyResNet({ block: "before" }),
		"a transformer": () => tinyTransformer(),
		"a post-norm transformer with a stem of convolutions": () => tinyTransformer({ norms: "post", stem: "padded" }),
	};
	for (const [name, model] of Object.entries(models)) {
		it(`keep to their integers and lose exactness in order (${name})`, async () => {
			const errors = [];
			for (const bits of [8, 6, 4] as const) {
				const { graph, report, source } = await prepared(model(), { bits, head: true });
				errors.push(report.logitError.rms);
				await checkIntegers(graph, source.affine, bits);
			}
			assert.ok(errors.every(Number.isFinite), `${errors}`);
			assert.ok(errors[0] < errors[1] && errors[1] < errors[2], `${errors}`);
		});
	}
});

/** That the weights and the bytes that flow are among the integers that so many bits have. */
async function checkIntegers(graph: Graph, affine: Float32Array, bits: 4 | 6 | 8): Promise<void> {
	const most = 2 ** (bits - 1) - 1;
	const producers = producersOf(graph);
	const flowing = new Set<string>();
	for (const { op, inputs, outputs } of graph.nodes) {
		const weight = { QLinearConv: 3, MatMulIntegerToFloat: 1 }[op];
		if (weight === undefined) continue;
		const { type, bytes } = graph.constants.get(inputs[weight]) as Tensor;
		assert.equal(type, ElementType.int8);
		assert.ok(new Int8Array(new Uint8Array(bytes).buffer).every((value) => Math.abs(value) <= most));
		// Pixels are bytes in any case.
		if (sourceOf(inputs[0]) !== "pixels") flowing.add(inputs[0]);
		// What moments are taken of has all the integers there are, and nothing convolves it.
		assert.ok(outputs.length === 1);
	}
	const [, , height, width] = graph.inputs[0].dims as number[];
	const outputs = [...flowing].map((name) => ({ name, type: 0, dims: [] }));
	assert.ok(outputs.length > 3);
	const frames = 4;
	const found = await evaluate(
		{ ...graph, outputs },
		{
			pixels: { data: drawnFrames(frames, height), dims: [frames, 3, height, width] },
			affine: { data: affine, dims: [affine.length] },
		},
	);
	for (const [name, { type, data }] of Object.entries(found)) {
		assert.equal(type, "uint8");
		const highest = (data as Uint8Array).reduce((a, b) => Math.max(a, b), 0);
		assert.ok(highest < 2 ** bits, `${name} has ${highest}`);
	}

	/** The tensor that a tensor's values are taken from, by operators that only move them. */
	function sourceOf(name: string): string {
		const node = producers.get(name);
		return node && ["Reshape", "Transpose"].includes(node.op) ? sourceOf(node.inputs[0]) : name;
	}
}

describe("ranges of activations", () => {
	const models = { "a ResNet": tinyResNet({ norms: "folded" }), "a transformer": tinyTransformer({ norms: "post" }) };
	for (const [name, model] of Object.entries(models)) {
		for (const ranges of ["min-max", "mse"] as const) {
			it(`may be chosen by ${ranges} (${name})`, async () => {
				const { report } = await prepared(model, { ranges });
				assert.ok(report.logitError.max < 0.3, `largest logit error ${report.logitError.max}`);
			});
		}
	}
});
