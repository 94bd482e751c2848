import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../../mistake.js";
import { type Draft, edit, floats, int, unsignedBytes } from "../graph/graph.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { withLogits, withoutSoftmax } from "./tidy.js";

/** A graph that makes its output of two numbers. */
function ending(close: (draft: Draft, logits: string) => string, names = ["out"], type = 1): Graph {
	const empty: Graph = {
		irVersion: 8,
		opsets: [
			{ domain: "", version: 17 },
			{ domain: "com.microsoft", version: 1 },
		],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "numbers", type: ElementType.float32, dims: ["N", 2] }],
		outputs: [],
	};
	return edit(empty, (draft) => {
		const closed = close(draft, draft.add("Neg", ["numbers"]));
		draft.replace(closed, (node) => ({ ...node, outputs: [names[0]] }));
		for (const name of names.slice(1)) draft.make(name, "Abs", ["numbers"]);
		draft.outputs = names.map((name) => ({ name, type, dims: ["N", 2] }));
	});
}

const logitsOf = async (graph: Graph) =>
	Array.from(
		Object.values(await evaluate(graph, { numbers: { data: Float32Array.of(1, -2), dims: [1, 2] } }))[0]
			.data as Float32Array,
	);

const rounding = (draft: Draft) => [
	draft.constant("step", floats([], [0.5])),
	draft.constant("zero", unsignedBytes([], [128])),
];

describe("a model that ends in probabilities", () => {
	const ends: Readonly<Record<string, (draft: Draft, logits: string) => string>> = {
		Softmax: (draft, logits) => draft.add("Softmax", [logits], int("axis", -1)),
		LogSoftmax: (draft, logits) => draft.add("LogSoftmax", [logits], int("axis", -1)),
		"a Softmax that is rounded": (draft, logits) => {
			const grid = rounding(draft);
			const bytes = draft.add("QuantizeLinear", [draft.add("Softmax", [logits]), ...grid]);
			return draft.add("DequantizeLinear", [bytes, ...grid]);
		},
		"a Softmax of bytes": (draft, logits) => {
			const grid = rounding(draft);
			const bytes = draft.add("QuantizeLinear", [logits, ...grid]);
			const result = draft.fresh("bytes");
			const node = {
				op: "QLinearSoftmax",
				domain: "com.microsoft",
				inputs: [bytes, ...grid, ...grid],
				outputs: [result],
			};
			draft.nodes.push({ ...node, attributes: [int("opset", 17)] });
			return draft.add("DequantizeLinear", [result, ...grid]);
		},
	};
	for (const [title, close] of Object.entries(ends)) {
		it(`returns what these are made of: ${title}`, async () => {
			assert.deepEqual(await logitsOf(edit(withoutSoftmax(ending(close)), () => {})), [-1, 2]);
		});
	}

	it("is left as it is where it does not", () => {
		const graph = ending((draft, logits) => draft.add("Tanh", [logits]));
		assert.deepEqual(
			withoutSoftmax(graph).outputs.map(({ name }) => name),
			["out"],
		);
		assert.deepEqual(withoutSoftmax(graph).nodes, graph.nodes);
	});
});

describe("a model's logits", () => {
	const plain = (draft: Draft, logits: string) => draft.add("Tanh", [logits]);

	it("are the output that is called so, else the first", () => {
		const nameOf = (names: string[]) => withLogits(ending(plain, names)).outputs.map(({ name }) => name);
		assert.deepEqual(nameOf(["hidden", "logits"]), ["logits"]);
		assert.deepEqual(nameOf(["scores", "hidden"]), ["scores"]);
	});

	it("are refused where they are none, in one sentence", () => {
		const refused = (close: (draft: Draft, logits: string) => string, message: RegExp, type = 1) =>
			assert.throws(
				() => withLogits(ending(close, ["out"], type)),
				(error) => error instanceof Mistake && message.test(error.message),
			);
		refused(
			(draft, logits) => draft.add("ArgMax", [logits]),
			/^its output out names classes \(ArgMax\); expected logits/,
		);
		refused(
			(draft, logits) => draft.add("Sigmoid", [logits]),
			/^its output out comes from a Sigmoid, which judges each class/,
		);
		refused(plain, /^its output out holds whole numbers; expected float32 logits \[N,C\]$/, 7);
	});
});
