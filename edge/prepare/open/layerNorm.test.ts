import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SIDE, tinyTransformer } from "../fixtures.js";
import { type Draft, edit, floatOf, floats, int, toFloats } from "../graph/graph.js";
import { ElementType, type Graph, type Node, type Tensor } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { withLayerNorms } from "./layerNorm.js";

interface Spelling {
	readonly opset?: number;
	readonly squared?: "Pow" | "Mul";
	readonly divided?: "Div" | "Reciprocal" | "One" | "Pow";
	/** The difference is computed once for both, or once for each. */
	readonly twice?: boolean;
	/** Constants come first in sums and products. */
	readonly swapped?: boolean;
	/** Constants are [1,1,C]. */
	readonly wide?: boolean;
	readonly casts?: boolean;
	readonly axis?: number;
	readonly affine?: "both" | "scale" | "bias";
	/** Makes it another formula. */
	readonly wrong?: (draft: Draft, parts: Parts) => Partial<Parts>;
}

/** Tensors of one norm on the way. */
interface Parts {
	readonly input: string;
	readonly centred: string;
	readonly variance: string;
	readonly epsilon: string;
}

describe("LayerNorm in single steps", () => {
	const spellings: Readonly<Record<string, Spelling>> = {
		"Pow, Sqrt, Div, as PyTorch exports it": {},
		"axes as an input": { opset: 18 },
		"a product for the square": { squared: "Mul" },
		"the difference computed twice": { twice: true, squared: "Mul" },
		"Reciprocal and a product": { divided: "Reciprocal" },
		"one by the root and a product": { divided: "One", swapped: true },
		"a power of minus one half": { divided: "Pow" },
		"constants in front": { swapped: true },
		"constants with all axes, counted from the front": { wide: true, axis: 2 },
		"casts in between": { casts: true },
		"a scale alone": { affine: "scale" },
		"a bias alone": { affine: "bias" },
	};
	for (const [title, spelling] of Object.entries(spellings)) {
		it(`is recognised with ${title}`, async () => {
			const written = writtenOut(spelling);
			const found = withLayerNorms(written);
			assert.equal(count(found, "LayerNormalization"), 5);
			for (const op of ["ReduceMean", "Sqrt", "Pow", "Sub", "Cast", "Reciprocal"])
				assert.equal(count(found, op), 0, op);
			assert.equal(found.nodes.length, tinyTransformer().nodes.length);
			const outputs = new Set(written.nodes.flatMap((node) => node.outputs));
			assert.ok(normsOf(found).every((node) => outputs.has(node.outputs[0])));
			await sameLogits(found, written);
		});
	}

	it("keeps its epsilon, and its scale and bias lie flat", () => {
		const found = withLayerNorms(writtenOut({ wide: true, axis: 2 }));
		const [norm] = normsOf(found);
		assert.equal(floatOf(norm, "epsilon", 0), Math.fround(1e-6));
		assert.deepEqual(
			norm.inputs.slice(1).map((name) => found.constants.get(name)?.dims),
			[[16], [16]],
		);
	});

	it("has ones for its scale where a matrix shows how many", async () => {
		const written = edit(tinyTransformer(), (draft) => {
			for (const node of draft.nodes.filter(({ op }) => op === "LayerNormalization")) {
				draft.remove(node.outputs[0]);
				const { centred, variance, epsilon } = spread(draft, node.inputs[0], {});
				const root = draft.add("Sqrt", [draft.add("Add", [variance, epsilon])]);
				draft.make(node.outputs[0], "Div", [centred, root]);
			}
		});
		const found = withLayerNorms(written);
		// The last one is read by Gather: nothing tells its length.
		assert.equal(count(found, "LayerNormalization"), 4);
		assert.deepEqual(new Set(toFloats(found.constants.get(normsOf(found)[0].inputs[1]) as Tensor)), new Set([1]));
		await sameLogits(found, written);
	});

	const others: Readonly<Record<string, Spelling["wrong"]>> = {
		"an unbiased variance": (draft, { variance }) => ({
			variance: draft.add("Mul", [variance, draft.constant("bessel", floats([], [16 / 15]))]),
		}),
		"an epsilon that is computed": (draft, { input }) => ({
			epsilon: draft.add("Abs", [draft.reduce("ReduceMean", input, [-1])]),
		}),
		"an epsilon for each channel": (draft) => ({
			epsilon: draft.constant("epsilon", floats([16], Array(16).fill(1e-6))),
		}),
		"a difference that something else reads": (draft, { centred }) => {
			draft.output(draft.fresh("difference"), centred, ElementType.float32, []);
			return {};
		},
		"a variance of something else": (draft, { input }) => ({
			variance: spread(draft, draft.add("Abs", [input]), {}).variance,
		}),
		"a third power": (draft, { centred }) => ({
			variance: draft.reduce(
				"ReduceMean",
				draft.add("Pow", [draft.add("Abs", [centred]), draft.constant("three", floats([], [3]))]),
				[-1],
			),
		}),
	};
	for (const [title, wrong] of Object.entries(others)) {
		it(`is not seen in ${title}`, () => {
			const written = writtenOut(wrong ? { wrong } : {});
			assert.equal(withLayerNorms(written), written);
		});
	}
	it("is not seen along another axis", () => {
		for (const spelling of [{ axis: 1 }, { axis: 1, wide: true }, { axis: 2 }]) {
			const written = writtenOut(spelling);
			assert.equal(withLayerNorms(written), written);
		}
	});
});

/** Difference and variance of a tensor. */
function spread(draft: Draft, input: string, { squared, twice, casts, axis = -1 }: Spelling): Parts {
	const cast = (name: string) => (casts ? draft.add("Cast", [name], int("to", ElementType.float32)) : name);
	const difference = () => cast(draft.add("Sub", [input, draft.reduce("ReduceMean", input, [axis])]));
	const centred = difference();
	const again = cast(twice ? difference() : centred);
	const two = draft.constant("two", floats([], [2]));
	const squares = squared === "Mul" ? draft.add("Mul", [again, again]) : draft.add("Pow", [again, two]);
	const variance = draft.reduce("ReduceMean", cast(squares), [axis]);
	return { input, centred, variance, epsilon: draft.constant("epsilon", floats([], [1e-6])) };
}

/** The tiny transformer with its norms written out. */
function writtenOut(spelling: Spelling): Graph {
	const { opset = 17, divided = "Div", swapped, wide, affine = "both", wrong } = spelling;
	return edit(tinyTransformer({ opset }), (draft) => {
		const pair = (op: string, name: string, constant: string) =>
			draft.add(op, swapped ? [constant, name] : [name, constant]);
		const norms = draft.nodes.filter(({ op }) => op === "LayerNormalization");
		for (const { inputs, outputs } of norms) {
			const [input, scale, bias] = inputs;
			for (const name of wide ? [scale, bias] : []) {
				draft.constants.set(name, { ...(draft.constants.get(name) as Tensor), dims: [1, 1, 16] });
			}
			const parts = spread(draft, input, spelling);
			const { centred, variance, epsilon } = { ...parts, ...wrong?.(draft, parts) };
			const lifted = pair("Add", variance, epsilon);
			const number = (value: number) => draft.constant("number", floats([], [value]));
			const inverse = {
				Div: () => "",
				Reciprocal: () => draft.add("Reciprocal", [draft.add("Sqrt", [lifted])]),
				One: () => draft.add("Div", [number(1), draft.add("Sqrt", [lifted])]),
				Pow: () => draft.add("Pow", [lifted, number(-0.5)]),
			}[divided]();
			let result =
				divided === "Div" ? draft.add("Div", [centred, draft.add("Sqrt", [lifted])]) : pair("Mul", centred, inverse);
			draft.remove(outputs[0]);
			if (affine !== "bias") result = pair("Mul", result, scale);
			if (affine !== "scale") result = pair("Add", result, bias);
			const last = draft.nodes.pop() as Node;
			draft.nodes.push({ ...last, outputs });
		}
	});
}

const normsOf = (graph: Graph) => graph.nodes.filter(({ op }) => op === "LayerNormalization");
const count = (graph: Graph, kind: string) => graph.nodes.filter(({ op }) => op === kind).length;

async function sameLogits(found: Graph, expected: Graph): Promise<void> {
	const data = Float32Array.from({ length: 2 * 3 * SIDE * SIDE }, (_, i) => Math.sin(i * 0.7 + i * i * 1e-4));
	const run = async (graph: Graph) =>
		Array.from((await evaluate(graph, { image: { data, dims: [2, 3, SIDE, SIDE] } })).logits.data as Float32Array);
	const [one, other] = [await run(expected), await run(found)];
	assert.ok(
		one.every((value, i) => Math.abs(value - other[i]) <= 1e-5 * (1 + Math.abs(value))),
		`${one} and ${other}`,
	);
}
