import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Draft, edit, floats, int, integers, ints, intsOf } from "../graph/graph.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import {
	oneAfterOther,
	withChannelsFirst,
	withFixedPads,
	withoutNormalization,
	withPaddingInside,
} from "./preprocessing.js";

const SIDE = 6;

/** What stands between the image and a padded convolution, as told. */
function network(
	front: (draft: Draft, image: string) => string,
	dims: (number | string)[] = ["N", 3, SIDE, SIDE],
): Graph {
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: 17 }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "image", type: ElementType.float32, dims }],
		outputs: [],
	};
	return edit(empty, (draft) => {
		const weight = floats([2, 3, 3, 3], noise(54));
		const conv = draft.add("Conv", [front(draft, "image"), draft.constant("weight", weight)], ints("pads", 1, 0, 1, 0));
		draft.output("maps", conv, ElementType.float32, []);
	});
}

const noise = (length: number) => Array.from({ length }, (_, i) => Math.sin(i * 1.7 + 0.3));
const image = Float32Array.from(noise(3 * SIDE * SIDE));

const maps = async (graph: Graph, data: Float32Array, dims = [1, 3, SIDE, SIDE]) =>
	(await evaluate(graph, { image: { data, dims } })).maps.data as Float32Array;

function alike(found: Float32Array, expected: Float32Array): void {
	assert.equal(found.length, expected.length);
	for (const [i, value] of expected.entries())
		assert.ok(Math.abs(value - found[i]) < 1e-4, `${i}: ${found[i]}, ${value}`);
}

const row = (...values: number[]) => floats([1, values.length, 1, 1], values);

describe("normalization in a model's graph", () => {
	const fronts: Readonly<Record<string, (draft: Draft, image: string) => string>> = {
		"a mean and a deviation for each channel": (draft, image) =>
			draft.add("Div", [
				draft.add("Sub", [image, draft.constant("mean", row(0.485, 0.456, 0.406))]),
				draft.constant("std", row(0.229, 0.224, 0.225)),
			]),
		"single numbers, constants in front": (draft, image) =>
			draft.add("Add", [
				draft.constant("shift", floats([], [-1])),
				draft.add("Mul", [draft.constant("gain", floats([1], [2])), image]),
			]),
		"a number less the image": (draft, image) => draft.add("Sub", [draft.constant("one", floats([], [1])), image]),
		"a BatchNorm": (draft, image) =>
			draft.add("BatchNormalization", [
				image,
				...[
					[1, 2, 3],
					[0.1, 0.2, 0.3],
					[0.5, 0.4, 0.3],
					[1, 4, 9],
				].map((v) => draft.constant("norm", floats([3], v))),
			]),
	};
	for (const [title, front] of Object.entries(fronts)) {
		it(`is taken out and told: ${title}`, async () => {
			const graph = network(front);
			const bare = withoutNormalization(graph, new Map());
			assert.deepEqual(
				bare.graph.nodes.map(({ op }) => op),
				["Conv", "Identity"],
			);
			const { mean, std } = bare.inside ?? assert.fail();
			const normalized = image.map((value, i) => {
				const channel = Math.floor(i / SIDE / SIDE);
				return (value - mean[channel]) / std[channel];
			});
			alike(await maps(bare.graph, normalized), await maps(graph, image));
		});
	}

	const others: typeof fronts = {
		"a number for each pixel": (draft, image) =>
			draft.add("Sub", [image, draft.constant("mean", floats([1, 3, SIDE, SIDE], noise(3 * SIDE * SIDE)))]),
		"a square": (draft, image) => draft.add("Mul", [image, image]),
		"a division by the image": (draft, image) => draft.add("Div", [draft.constant("one", floats([], [1])), image]),
		"a product with nothing": (draft, image) => draft.add("Mul", [image, draft.constant("none", floats([], [0]))]),
	};
	for (const [title, front] of Object.entries(others)) {
		it(`stays where it is something else: ${title}`, () => {
			const graph = network(front);
			assert.deepEqual(withoutNormalization(graph, new Map()), { graph, grids: new Map() });
		});
	}

	it("stays where something else reads the image, but for its shape", () => {
		const shifted = (draft: Draft, image: string) => draft.add("Sub", [image, draft.constant("mean", row(1, 2, 3))]);
		const twice = network((draft, image) => draft.add("Mul", [shifted(draft, image), image]));
		assert.equal(withoutNormalization(twice, new Map()).inside, undefined);
		const measured = network((draft, image) =>
			draft.add("Reshape", [shifted(draft, image), draft.add("Shape", [image])]),
		);
		assert.deepEqual(withoutNormalization(measured, new Map()).inside?.mean, [1, 2, 3]);
	});

	it("hands its grid on to the image where the model rounds what it makes", () => {
		const grid = {
			type: "uint8",
			steps: Float32Array.of(1),
			zeros: Int32Array.of(0),
			axis: 0,
			lowest: 0,
			highest: 255,
		} as const;
		const graph = network(fronts["a number less the image"]);
		const [{ outputs }] = graph.nodes;
		assert.equal(withoutNormalization(graph, new Map([[outputs[0], grid]])).grids.get("image"), grid);
		assert.equal(withoutNormalization(graph, new Map([["image", grid]])).inside, undefined);
	});

	it("comes behind the one that the user names", () => {
		const both = oneAfterOther({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.5, 1] }, { mean: [1, 2, 3], std: [2, 2, 2] });
		assert.deepEqual(both, { mean: [0.75, 1.5, 3.5], std: [0.5, 1, 2] });
		for (const x of [0, 0.3, 1]) assert.equal((x - both.mean[0]) / both.std[0], ((x - 0.5) / 0.25 - 1) / 2);
	});
});

describe("an image with its channels last", () => {
	it("is one with its channels first where the model turns it first of all", async () => {
		const turned = (draft: Draft, image: string) => draft.add("Transpose", [image], ints("perm", 0, 3, 1, 2));
		const graph = network(turned, ["N", SIDE, SIDE, 3]);
		const first = withChannelsFirst(graph);
		assert.deepEqual(first.inputs[0].dims, ["N", 3, SIDE, SIDE]);
		const last = image.map((_, i) => image[(i % 3) * SIDE * SIDE + Math.floor(i / 3)]);
		alike(await maps(first, image), await maps(graph, last, [1, SIDE, SIDE, 3]));
	});

	it("stays where it is turned in another way", () => {
		const graph = network((draft, image) => draft.add("Transpose", [image], ints("perm", 0, 1, 3, 2)));
		assert.equal(withChannelsFirst(graph), graph);
	});
});

describe("zeros around a convolution's input", () => {
	const padded = (pads: number[], ...more: string[]) =>
		network((draft, image) => draft.add("Pad", [image, draft.constant("pads", integers(pads)), ...more]));

	it("become padding of its own", async () => {
		const graph = padded([0, 0, 2, 1, 0, 0, 3, 0]);
		const found = withPaddingInside(graph);
		assert.deepEqual(
			found.nodes.map(({ op }) => op),
			["Conv", "Identity"],
		);
		assert.deepEqual(intsOf(found.nodes[0], "pads"), [3, 1, 4, 0]);
		alike(await maps(found, image), await maps(graph, image));
	});

	it("become padding of its own where their number is computed from the image's size", async () => {
		const graph = network((draft, image) => {
			const side = draft.add("Gather", [draft.add("Shape", [image]), draft.constant("row", integers([2], [1]))]);
			const half = draft.add("Div", [side, draft.constant("two", integers([2]))]);
			const zeros = draft.constant("zeros", integers([0, 0]));
			const end = draft.add("Concat", [zeros, half, half, zeros, half, half], int("axis", 0));
			return draft.add("Pad", [image, end]);
		});
		assert.ok(withPaddingInside(graph).nodes.some(({ op }) => op === "Pad"));
		const found = withPaddingInside(await withFixedPads(graph, { height: SIDE, width: SIDE }));
		assert.deepEqual(intsOf(found.nodes[0], "pads"), [4, 3, 4, 3]);
		alike(await maps(found, image), await maps(graph, image));
	});

	it("stay where they are cut off or around channels, or where they are no zeros", () => {
		const reflected = network((draft, image) =>
			draft.add("Pad", [image, draft.constant("pads", integers([0, 0, 1, 1, 0, 0, 1, 1]))], {
				name: "mode",
				type: 3,
				s: Buffer.from("reflect"),
			}),
		);
		const ones = network((draft, image) => {
			const pads = draft.constant("pads", integers([0, 0, 1, 1, 0, 0, 1, 1]));
			return draft.add("Pad", [image, pads, draft.constant("one", floats([], [1]))]);
		});
		const pooled = network((draft, image) => {
			const around = draft.add("Pad", [image, draft.constant("pads", integers([0, 0, 1, 1, 0, 0, 1, 1]))]);
			return draft.add("Concat", [around, around], int("axis", 0));
		});
		for (const graph of [
			padded([0, 0, -1, 0, 0, 0, 0, 0]),
			padded([0, 1, 0, 0, 0, 0, 0, 0]),
			reflected,
			ones,
			pooled,
		]) {
			assert.ok(withPaddingInside(graph).nodes.some(({ op }) => op === "Pad"));
		}
	});
});
