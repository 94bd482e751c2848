import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../../mistake.js";
import {
	type Draft,
	edit,
	floats,
	int,
	integers,
	ints,
	signedBytes,
	toFloats,
	unsignedBytes,
	wholeNumbers,
} from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import { ElementType, type Graph, type Tensor } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { roundTo } from "./quantized.constants.js";
import { type Dequantized, dequantized } from "./quantized.js";

describe("a quantized model written by hand", () => {
	it("may have bytes for its input and output", async () => {
		const graph = quantized({ input: ElementType.uint8 }, (draft, { step, zero }) => {
			const turned = draft.add("Transpose", ["x"], ints("perm", 1, 0));
			const joined = add(draft, "QLinearAdd", [turned, step(0.5), zero(8), "x", step(0.5), zero(8), step(1), zero(9)]);
			draft.make("y", "Reshape", [joined, draft.constant("shape", integers([4]))]);
		});
		const found = dequantized(graph);
		assert.deepEqual([found.graph.inputs[0].type, found.graph.outputs[0].type], [1, 1]);
		assert.deepEqual(
			names(found),
			[
				["x", 0.5, 8],
				["QLinearAdd.acclimate", 1, 9],
				["Transpose.acclimate", 0.5, 8],
				["y", 1, 9],
			].sort(),
		);
		assert.deepEqual(await run(found.graph, [1, 2, 3, 4]), [2, 5, 5, 8]);
	});

	it("has an Identity where a tensor is rounded in two ways, for two readers or one after the other", () => {
		for (const chained of [true, false]) {
			const graph = quantized({}, (draft, { pair }) => {
				const one = pair("x", 0.5, 3);
				draft.make("y", "Add", [one, pair(chained ? one : "x", 0.25, 4)]);
			});
			const { graph: float, grids } = dequantized(graph);
			assert.deepEqual(
				float.nodes.map(({ op }) => op),
				["Identity", "Add"],
			);
			assert.deepEqual(
				[...grids.values()].map(({ steps }) => steps[0]),
				[0.5, 0.25],
			);
			assert.deepEqual(float.nodes[1].inputs, [...grids.keys()]);
		}
	});

	it("has one grid where a tensor is rounded twice in the same way", () => {
		const { graph, grids } = dequantized(
			quantized({}, (draft, { pair }) => draft.make("y", "Add", [pair("x", 0.5, 3), pair("x", 0.5, 3)])),
		);
		assert.deepEqual([...grids.keys(), ...graph.nodes[0].inputs], ["x", "x", "x"]);
	});

	it("gets the ReLU back that its bytes made superfluous, and no second one", async () => {
		for (const given of [true, false]) {
			const graph = quantized({}, (draft, { pair }) => {
				const sum = draft.add("Add", ["x", draft.constant("shift", floats([], [-2]))]);
				draft.make("y", "Identity", [pair(given ? draft.add("Relu", [sum]) : sum, 0.5, 0)]);
			});
			const float = dequantized(graph).graph;
			assert.deepEqual(float.nodes.map(({ op }) => op).slice(0, -1), ["Add", "Relu"]);
			assert.deepEqual(await run(float, [1, 2, 3, 4]), [0, 0, 1, 2]);
		}
	});

	it("gets no ReLU in the middle of a variance or a GELU, where nothing is negative anyway", () => {
		const graph = quantized({}, (draft, { pair }) => {
			const number = (value: number) => draft.constant("number", floats([], [value]));
			const squares = pair(draft.add("Pow", ["x", number(2)]), 0.5, 0);
			const variance = pair(draft.add("Add", [squares, number(1e-6)]), 0.5, 0);
			const lifted = pair(draft.add("Add", [pair(draft.add("Erf", ["x"]), 0.01, 100), number(1)]), 0.01, 0);
			draft.make("y", "Add", [variance, lifted]);
		});
		const { graph: float, grids } = dequantized(graph);
		assert.deepEqual(float.nodes.map(({ op }) => op).sort(), ["Add", "Add", "Add", "Erf", "Pow"]);
		assert.equal(grids.size, 4);
	});

	it("may hold float weights that it rounds itself, and turn a weight by channel", async () => {
		const graph = quantized({}, (draft, { pair }) => {
			const weight = draft.constant("weight", floats([2, 2], [0.24, 1.3, -9, 2.75]));
			const steps = [draft.constant("steps", floats([2], [0.5, 1])), draft.constant("zeros", signedBytes([2], [0, 0]))];
			const bytes = draft.add("QuantizeLinear", [weight, ...steps], int("axis", 0));
			const turned = draft.add("Transpose", [draft.add("DequantizeLinear", [bytes, ...steps], int("axis", 0))]);
			draft.make("y", "MatMul", [pair("x", 0.5, 3), turned]);
		});
		const { graph: float, grids } = dequantized(graph);
		const [, name] = float.nodes[0].inputs;
		assert.deepEqual(Array.from(toFloats(float.constants.get(name) as Tensor)), [0, -9, 1.5, 3]);
		assert.equal(grids.get(name)?.axis, 1);
		assert.deepEqual(await run(float, [1, 2, 3, 4]), [3, -3, 6, -15]);
	});

	it("gives a bias of QLinearConv the steps of its operands' products, and needs no zero points in QuantizeLinear", () => {
		const graph = quantized({ dims: [1, 1, 2, 2] }, (draft, { step, zero }) => {
			const image = draft.add("QuantizeLinear", ["x", step(0.1)]);
			const weight = [
				draft.constant("weight", signedBytes([2, 1, 1, 1], [100, -7])),
				draft.constant("steps", floats([2], [0.3, 0.7])),
			];
			const bias = draft.constant("bias", wholeNumbers([2], [12345, -2]));
			const zeros = draft.constant("zeros", signedBytes([2], [0, 0]));
			draft.make("y", "QLinearConv", [image, step(0.1), zero(0), ...weight, zeros, step(1), zero(7), bias]);
		});
		const { graph: float, grids } = dequantized(graph);
		const [input, weight, bias] = float.nodes[0].inputs;
		assert.deepEqual(
			[grids.get(input)?.type, grids.get(weight)?.type, grids.get(bias)?.type],
			["uint8", "int8", "int32"],
		);
		const steps = [0.3, 0.7].map((step) => Math.fround(Math.fround(0.1) * Math.fround(step)));
		assert.deepEqual(Array.from(grids.get(bias)?.steps ?? []), steps);
		assert.deepEqual(Array.from(roundTo(grids.get(bias) as Grid, float.constants.get(bias) as Tensor)), [12345, -2]);
	});

	it("leaves a bias without a grid whose integers float32 cannot hold", () => {
		const graph = quantized({}, (draft, { step }) => {
			const large = draft.constant("large", wholeNumbers([2], [2 ** 30 + 1, 5]));
			draft.make("y", "Add", ["x", draft.add("DequantizeLinear", [large, step(2 ** -20)])]);
		});
		assert.deepEqual([...dequantized(graph).grids], []);
	});

	const refused: readonly [string, RegExp, (draft: Draft, tools: Tools) => void][] = [
		[
			"a step that is computed",
			/computes the quantization step while it runs/,
			(draft, { zero }) => {
				const step = draft.add("ReduceMax", ["x"], int("keepdims", 0));
				draft.make("y", "DequantizeLinear", [draft.add("QuantizeLinear", ["x", step, zero(0)]), step, zero(0)]);
			},
		],
		[
			"dynamic quantization",
			/quantizes while it runs \(DynamicQuantizeLinear\)/,
			(draft) => {
				const [bytes, step, zero] = draft.addMany("DynamicQuantizeLinear", ["x"], 3);
				draft.make("y", "DequantizeLinear", [bytes, step, zero]);
			},
		],
		[
			"blocks",
			/in blocks/,
			(draft) => {
				const steps = draft.constant("steps", floats([2, 1], [1, 2]));
				const weight = draft.constant("weight", signedBytes([2, 2], [1, 2, 3, 4]));
				draft.make("y", "DequantizeLinear", [weight, steps], int("block_size", 2));
			},
		],
		[
			"16 bits",
			/quantizes x to uint16; expected int8 or uint8/,
			(draft, { step }) => {
				const zero = draft.constant("zero", { type: 4, dims: [], bytes: new Uint8Array(2) });
				draft.make("y", "DequantizeLinear", [draft.add("QuantizeLinear", ["x", step(1), zero]), step(1), zero]);
			},
		],
		[
			"bytes read by other steps than they have",
			/another quantization step or zero point/,
			(draft, { step, zero }) => {
				draft.make("y", "DequantizeLinear", [draft.add("QuantizeLinear", ["x", step(1), zero(0)]), step(2), zero(0)]);
			},
		],
		[
			"activations by channel",
			/quantizes by channel what is no weight/,
			(draft) => {
				const parameters = [draft.constant("s", floats([2], [1, 2])), draft.constant("z", unsignedBytes([2], [0, 0]))];
				draft.make("y", "DequantizeLinear", [draft.add("QuantizeLinear", ["x", ...parameters]), ...parameters]);
			},
		],
		["a step of zero", /not positive/, (draft, { pair }) => draft.make("y", "Relu", [pair("x", 0, 0)])],
		[
			"arithmetic on bytes",
			/calculates with quantized bytes in Cast/,
			(draft, { step, zero }) => {
				draft.make("y", "Cast", [draft.add("QuantizeLinear", ["x", step(1), zero(0)])], int("to", 1));
			},
		],
	];
	for (const [title, message, build] of refused) {
		it(`is refused with ${title}`, () => {
			assert.throws(
				() => dequantized(quantized({}, build)),
				(error) => error instanceof Mistake && message.test(error.message),
			);
		});
	}
});

/** Makes constants for what is under test. */
interface Tools {
	step(value: number): string;
	zero(value: number): string;
	/** QuantizeLinear and DequantizeLinear. */
	pair(input: string, step: number, zero: number): string;
}

/** A graph from x to y. */
function quantized(
	{ input = ElementType.float32, dims = [2, 2] }: { input?: number; dims?: readonly number[] },
	build: (draft: Draft, tools: Tools) => void,
): Graph {
	const empty: Graph = {
		irVersion: 8,
		opsets: [17, 1].map((version) => ({ domain: version === 1 ? "com.microsoft" : "", version })),
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "x", type: input, dims }],
		outputs: [{ name: "y", type: input, dims: [] }],
	};
	return edit(empty, (draft) => {
		const step = (value: number) => draft.constant("step", floats([], [value]));
		const zero = (value: number) => draft.constant("zero", unsignedBytes([], [value]));
		const pair = (name: string, size: number, from: number) => {
			const parameters = [step(size), zero(from)];
			return draft.add("DequantizeLinear", [draft.add("QuantizeLinear", [name, ...parameters]), ...parameters]);
		};
		build(draft, { step, zero, pair });
	});
}

/** Adds one of ONNX Runtime's own operators. */
function add(draft: Draft, op: string, inputs: readonly string[]): string {
	const name = draft.add(op, inputs);
	draft.replace(name, (node) => ({ ...node, domain: "com.microsoft" }));
	return name;
}

const names = ({ grids }: Dequantized) =>
	[...grids].map(([name, { steps, zeros }]) => [name, steps[0], zeros[0]]).sort();

const run = async (graph: Graph, data: readonly number[]) =>
	Array.from((await evaluate(graph, { x: { data: Float32Array.from(data), dims: [2, 2] } })).y.data as Float32Array);
