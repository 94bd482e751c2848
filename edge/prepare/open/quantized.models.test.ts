import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sharedFile, temporaryDirectory } from "../../../adapters/fixtures.js";
import { edit, floats, int, signedBytes, toFloats, unsignedBytes, wholeNumbers } from "../graph/graph.js";
import { channelOf, type Grid } from "../graph/grid.js";
import { decodeModel, ElementType, type Graph, type Node, type Tensor } from "../graph/onnx.js";
import { evaluate, openSession } from "../graph/session.js";
import { type Dequantized, dequantized } from "./quantized.js";

const MODELS = [
	// How far the float model's logits may be from the quantized one's: on average, in steps of the quantized logits.
	{ file: "coral_mobilenet_v1_0.25_128_quant.onnx", side: 128, range: [-1, 1], apart: 3 },
	{ file: "coral_mobilenet_v2_1.0_224_quant.onnx", side: 224, range: [-1, 1], apart: 5 },
	{ file: "mlperf_pretrainedResnet_quant.onnx", side: 32, range: [0, 255], apart: 3 },
] as const;
const IMAGES = 4;

for (const { file, side, range, apart } of MODELS) {
	const path = sharedFile(file);
	describe(`${file} in float`, { skip: path ? false : `${file} is not among the shared data` }, () => {
		const read = () => decodeModel(readFileSync(path as string), file);
		const feeds = { input: { data: pictures(side, range), dims: [IMAGES, 3, side, side] } };

		it("has plain operators only and a grid for all that was bytes", () => {
			const original = read();
			const { graph, grids } = dequantized(original);
			assert.deepEqual(new Set(graph.nodes.map(({ domain }) => domain)), new Set([""]));
			assert.equal(graph.nodes.filter(({ op }) => op.endsWith("QuantizeLinear")).length, 0);
			const pairs = original.nodes.filter(({ op }) => op === "QuantizeLinear");
			for (const { inputs } of pairs) assert.ok(grids.has(inputs[0]), inputs[0]);
			assert.equal(grids.size, original.nodes.filter(({ op }) => op === "DequantizeLinear").length);
			assert.ok(grids.has("input"));
		});

		it("has constants that round back to the integers they were, to the last bit", () => {
			const original = read();
			const { graph, grids } = dequantized(original);
			const decoded = original.nodes.filter(({ inputs }) => original.constants.has(inputs[0]));
			assert.ok(decoded.length > 10);
			for (const { inputs, outputs } of decoded) {
				const integers = wholeOf(original.constants.get(inputs[0]) as Tensor);
				const values = graph.constants.get(outputs[0]) as Tensor;
				assert.deepEqual(rounded(values, grids.get(outputs[0]) as Grid), integers, outputs[0]);
			}
		});

		it("sees the same in pictures", async () => {
			const original = read();
			const expected = await logitsOf(original, feeds);
			const found = await logitsOf(dequantized(original).graph, feeds);
			const step = stepOfLogits(original);
			const sum = expected.reduce((total, value, i) => total + Math.abs(value - found[i]), 0);
			assert.ok(sum / expected.length <= apart * step, `${sum / expected.length / step} steps apart`);
		});

		it("gives the quantized model's logits to the last bit when it is rounded where its grids say", async () => {
			const original = read();
			assert.deepEqual(await logitsOf(rounding(dequantized(original)), feeds), await logitsOf(original, feeds));
		});

		it("is the same when it comes as ONNX Runtime optimized it", async () => {
			const original = read();
			const optimizedPath = join(temporaryDirectory(), "optimized.onnx");
			await (await openSession(original, optimizedPath)).close();
			const optimized = decodeModel(readFileSync(optimizedPath), "optimized.onnx");
			assert.ok(optimized.nodes.some(({ domain }) => domain === "com.microsoft"));
			const [one, other] = [dequantized(original), dequantized(optimized)];
			assert.deepEqual(new Set(other.graph.nodes.map(({ domain }) => domain)), new Set([""]));
			assert.deepEqual(tally([...other.grids.values()]), tally([...one.grids.values()]));
			assert.deepEqual(tallyOps(other.graph), tallyOps(one.graph));
			const [expected, found] = [await logitsOf(one.graph, feeds), await logitsOf(other.graph, feeds)];
			const limit = 1e-4 * Math.max(...expected.map(Math.abs));
			assert.ok(expected.every((value, i) => Math.abs(value - found[i]) <= limit));
		});
	});
}

/** Smooth pictures, each its own: sums of waves with seeded directions. */
function pictures(side: number, [low, high]: readonly [number, number]): Float32Array {
	const wave = (image: number, plane: number, x: number, y: number) =>
		Math.sin((image + 1) * 0.9 * x + plane) + Math.cos((image + 2) * 0.7 * y - plane * x * 0.3);
	return Float32Array.from({ length: IMAGES * 3 * side * side }, (_, i) => {
		const [x, y] = [i % side, Math.floor(i / side) % side].map((at) => (at / side) * 6);
		const plane = Math.floor(i / (side * side));
		return low + ((high - low) * (wave(Math.floor(plane / 3), plane % 3, x, y) + 2)) / 4;
	});
}

async function logitsOf(graph: Graph, feeds: Parameters<typeof evaluate>[1]): Promise<number[]> {
	return Array.from((await evaluate(graph, feeds))[graph.outputs[0].name].data as Float32Array);
}

/** The model quantized again: constants as integers, and a rounding behind every tensor with a grid. */
function rounding({ graph, grids }: Dequantized): Graph {
	return edit(graph, (draft) => {
		for (const [name, grid] of grids) {
			const type = { uint8: unsignedBytes, int8: signedBytes, int32: wholeNumbers }[grid.type];
			const dims = grid.steps.length === 1 ? [] : [grid.steps.length];
			const [step, zero] = [floats(dims, grid.steps), type(dims, grid.zeros)];
			const parameters = [draft.constant("step", step), draft.constant("zero", zero)];
			const constant = graph.constants.get(name);
			const whole = constant && draft.constant("whole", type(constant.dims, rounded(constant, grid)));
			const isInput = graph.inputs.some((input) => input.name === name);
			const made = draft.fresh("dequantized");
			if (whole !== undefined || isInput) draft.redirect(name, made);
			const plain = whole === undefined && !isInput ? draft.intercept(name) : name;
			const bytes = whole ?? draft.add("QuantizeLinear", [plain, ...parameters]);
			const target = whole !== undefined || isInput ? made : name;
			draft.make(target, "DequantizeLinear", [bytes, ...parameters], int("axis", grid.axis));
		}
	});
}

function stepOfLogits({ nodes, constants }: Graph): number {
	const last = nodes.findLast(({ op }) => op === "QuantizeLinear") as Node;
	return toFloats(constants.get(last.inputs[1]) as Tensor)[0];
}

const wholeOf = ({ type, bytes }: Tensor): number[] => {
	const { buffer } = new Uint8Array(bytes);
	if (type === ElementType.int32) return Array.from(new Int32Array(buffer));
	return Array.from(type === ElementType.int8 ? new Int8Array(buffer) : new Uint8Array(buffer));
};

function rounded(values: Tensor, grid: Grid): number[] {
	const channel = channelOf(grid, values.dims);
	return Array.from(
		toFloats(values),
		(value, i) => Math.round(value / grid.steps[channel(i)]) + grid.zeros[channel(i)],
	);
}

/** Grids in an order of their own. On some processors ONNX Runtime shifts int8 to uint8, which stands for the same. */
const tally = (grids: readonly Grid[]) =>
	grids.map(({ steps, zeros, lowest, axis }) => `${axis}: ${steps} from ${zeros.map((zero) => lowest - zero)}`).sort();

const tallyOps = (graph: Graph) =>
	graph.nodes
		.map(({ op }) => op)
		.filter((op) => op !== "Identity")
		.sort();
