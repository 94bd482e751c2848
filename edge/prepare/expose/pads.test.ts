import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Draft, edit, floats, int, ints, intsOf } from "../graph/graph.js";
import { type Attribute, ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { withPads } from "./pads.js";

const auto = (way: string): Attribute => ({ name: "auto_pad", type: 3, s: Buffer.from(way) });

describe("a convolution that pads by itself", () => {
	const cases: readonly [string, Attribute[], number[] | undefined][] = [
		["more behind", [auto("SAME_UPPER"), ints("strides", 2, 1)], [0, 1, 1, 1]],
		["more before", [auto("SAME_LOWER"), ints("strides", 2, 1)], [1, 1, 0, 1]],
		["not at all", [auto("VALID")], [0, 0, 0, 0]],
		["nothing where strides are longer than the kernel", [auto("SAME_UPPER"), ints("strides", 5, 5)], [0, 0, 0, 0]],
		["as its numbers say", [auto("NOTSET"), ints("pads", 1, 0, 0, 1)], [1, 0, 0, 1]],
	];
	for (const [title, attributes, pads] of cases) {
		it(`does so by numbers: ${title}`, async () => {
			const graph = convolution(attributes);
			const found = withPads(graph, () => [1, 2, 8, 9]);
			assert.deepEqual(intsOf(found.nodes[0], "pads"), pads);
			assert.deepEqual(await run(found), await run(graph));
		});
	}
});

function convolution(attributes: readonly Attribute[]): Graph {
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: 17 }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "x", type: ElementType.float32, dims: [1, 2, 8, 9] }],
		outputs: [],
	};
	const values = Array.from({ length: 2 * 9 }, (_, i) => Math.sin(i * i));
	return edit(empty, (draft: Draft) => {
		const weight = draft.constant("weight", floats([2, 1, 3, 3], values));
		draft.nodes.push({
			op: "Conv",
			domain: "",
			inputs: ["x", weight],
			outputs: ["y"],
			attributes: [int("group", 2), ...attributes],
		});
		draft.outputs.push({ name: "y", type: ElementType.float32, dims: [] });
	});
}

async function run(graph: Graph): Promise<{ dims: readonly number[]; data: number[] }> {
	const data = Float32Array.from({ length: 2 * 8 * 9 }, (_, i) => Math.sin(i));
	const { y } = await evaluate(graph, { x: { data, dims: [1, 2, 8, 9] } });
	return { dims: y.dims, data: Array.from(y.data as Float32Array) };
}
