import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Draft, edit } from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { isWithin, limited, rounded, roundedConstant } from "./bytes.js";
import { activationGrid, weightGrid } from "./grids.js";

const VALUES = [-3, -1, -0.26, 0, 0.24, 1, 2.9, 100];

/** What a graph makes of VALUES. */
async function made(change: (draft: Draft) => string): Promise<number[]> {
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: 17 }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "x", type: ElementType.float32, dims: [VALUES.length] }],
		outputs: [],
	};
	const graph = edit(empty, (draft) => {
		draft.outputs.push({ name: change(draft), type: 0, dims: [] });
	});
	const feed = { data: Float32Array.from(VALUES), dims: [VALUES.length] };
	return Array.from((await evaluate(graph, { x: feed }))[graph.outputs[0].name].data as Uint8Array);
}

describe("bytes", () => {
	for (const bits of [4, 6, 8] as const) {
		it(`are kept within the integers of ${bits} bits, constants and what flows alike`, async () => {
			const grid = activationGrid({ min: -1, max: 3 }, bits);
			const found = await made((draft) => rounded(draft, "x", grid).tensor);
			assert.deepEqual(found, Array.from(roundedConstant(Float32Array.from(VALUES), [VALUES.length], grid)));
			assert.deepEqual([Math.min(...found), Math.max(...found)], [0, 2 ** bits - 1]);
		});
	}

	it("are not limited where a byte does that by itself", async () => {
		await made((draft) => {
			const before = draft.nodes.length;
			assert.equal(limited(draft, "x", activationGrid({ min: 0, max: 1 }, 8)), "x");
			assert.equal(draft.nodes.length, before);
			return rounded(draft, "x", activationGrid({ min: 0, max: 1 }, 8)).tensor;
		});
	});

	it("of a constant are rounded channel by channel", () => {
		const values = Float32Array.of(1, -2, 127, 0.5);
		const round = (axis: number) => Array.from(roundedConstant(values, [2, 2], weightGrid(values, [2, 2], axis, 8)));
		assert.deepEqual(round(0), [64, -127, 127, 1]);
		assert.deepEqual(round(1), [1, -127, 127, 32]);
	});

	it("move their zero point along with them", () => {
		const steps = Float32Array.of(0.5);
		const grid: Grid = { type: "uint8", steps, zeros: Int32Array.of(8), axis: 0, lowest: 0, highest: 255 };
		const moved: Grid = { ...grid, type: "int8", zeros: Int32Array.of(-120), lowest: -128, highest: 127 };
		const values = Float32Array.of(-4, 0, 123.5);
		assert.deepEqual(Array.from(roundedConstant(values, [3], grid)), [0, 8, 255]);
		assert.deepEqual(Array.from(roundedConstant(values, [3], moved)), [-128, -120, 127]);
	});
});

describe("a grid within bounds", () => {
	const relu = { min: 0, max: Number.POSITIVE_INFINITY };
	it("does the work of a ReLU or a Clip where it ends as they do", () => {
		assert.ok(isWithin(activationGrid({ min: 0, max: 5 }, 8), relu));
		assert.ok(isWithin(activationGrid({ min: 0, max: 6 }, 4), { min: 0, max: 6 }));
		assert.ok(isWithin(activationGrid({ min: 0, max: 3 }, 8), { min: 0, max: 6 }));
	});

	it("does not where it goes beyond", () => {
		assert.ok(!isWithin(activationGrid({ min: -1, max: 5 }, 8), relu));
		assert.ok(!isWithin(activationGrid({ min: 0, max: 6.5 }, 8), { min: 0, max: 6 }));
		assert.ok(!isWithin(activationGrid({ min: 0, max: 6 }, 8), { min: 1, max: 6 }));
	});
});
