import assert from "node:assert/strict";
import { test } from "node:test";
import { edit, int, integers } from "../graph/graph.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { lookOf } from "./look.js";

/** The mean of each colour as a stem of three channels, and a site behind it that is put before, between or after others. */
const graph = (order?: readonly number[]): Graph =>
	edit(
		{ irVersion: 8, opsets: [{ domain: "", version: 17 }], nodes: [], constants: new Map(), inputs: [], outputs: [] },
		(draft) => {
			draft.inputs = [
				{ name: "pixels", type: ElementType.uint8, dims: ["N", 3, 2, 2] },
				{ name: "affine", type: ElementType.float32, dims: [1] },
			];
			const image = draft.add("Cast", ["pixels"], int("to", ElementType.float32));
			const mean = draft.add("Squeeze", [
				draft.reduce("ReduceMean", image, [2, 3]),
				draft.constant("axes", integers([2, 3])),
			]);
			const row = draft.add("Unsqueeze", [mean, draft.constant("axes", integers([1]))]);
			const stem = draft.add("Concat", [row, row], int("axis", 1));
			const behind = draft.add("Mul", [stem, "affine"]);
			const all = draft.add("Concat", [stem, behind], int("axis", 2));
			const placed = order ? draft.add("Gather", [all, draft.constant("order", integers(order))], int("axis", 2)) : all;
			draft.output("sites", placed, ElementType.float32, ["N", 2, 6]);
		},
	);

const feeds = (factor: number) => ({
	pixels: { data: Uint8Array.from({ length: 24 }, (_, i) => 9 * i), dims: [2, 3, 2, 2] },
	affine: { data: Float32Array.of(factor), dims: [1] },
});

for (const [name, order] of [
	["one after the other", undefined],
	["in an order of their own", [0, 1, 2, 5, 3, 4]],
] as const) {
	test(`is the stem's part of the sites, whatever the affine is, where these are ${name}`, async () => {
		const whole = graph(order);
		const look = lookOf(whole, 3);
		assert.deepEqual(
			look.inputs.map(({ name }) => name),
			["pixels"],
		);
		const { sites } = await evaluate(whole, feeds(7));
		const { pixels } = feeds(0);
		const found = (await evaluate(look, { pixels })).look;
		assert.deepEqual(found.dims, [2, 2, 3]);
		assert.deepEqual(
			[...(found.data as Float32Array)],
			[...(sites.data as Float32Array)].filter((_, i) => i % 6 < 3),
		);
		assert.ok(look.nodes.length < whole.nodes.length);
	});
}
