import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLASSES, SIDE, tinyTransformer } from "../fixtures.js";
import { type Draft, edit, float, floats, int, producersOf } from "../graph/graph.js";
import type { Graph } from "../graph/onnx.js";
import { findParts } from "./parts.js";

const partsOf = (graph: Graph) => {
	const size = { height: SIDE, width: SIDE };
	return findParts({ graph, image: "image", logits: "logits", size, grids: new Map(), original: graph });
};

const normalized = (draft: Draft, input: string, width: number) => {
	const ones = draft.constant("own.scale", floats([width], Array(width).fill(1)));
	return draft.add("LayerNormalization", [input, ones], int("axis", -1), float("epsilon", 1e-6));
};

describe("a transformer's norms", () => {
	it("are named as usual where queries and keys have norms of their own, which are no places", async () => {
		const plain = tinyTransformer();
		const graph = edit(plain, (draft) => {
			const softmaxes = plain.nodes.filter(({ op }) => op === "Softmax");
			const producers = producersOf(plain);
			for (const softmax of softmaxes) {
				const scores = producers.get(producers.get(softmax.inputs[0])?.inputs[0] ?? "") ?? assert.fail();
				const query = normalized(draft, scores.inputs[0], 8);
				draft.replace(scores.outputs[0], (node) => ({ ...node, inputs: [query, node.inputs[1]] }));
			}
		});
		const [parts, before] = [await partsOf(graph), await partsOf(plain)];
		assert.deepEqual(parts.places, before.places);
		assert.equal(parts.family, before.family);
		assert.equal(parts.head.classes, CLASSES);
	});

	it("come before the blocks, too, where one more is of the embedding, as CLIP has it", async () => {
		const plain = tinyTransformer();
		const [first] = plain.nodes.filter(({ op }) => op === "LayerNormalization");
		const graph = edit(plain, (draft) => {
			const own = normalized(draft, first.inputs[0], 16);
			draft.nodes = draft.nodes.map((node) =>
				node.outputs[0] === own
					? node
					: { ...node, inputs: node.inputs.map((name) => (name === first.inputs[0] ? own : name)) },
			);
		});
		const parts = await partsOf(graph);
		assert.match(parts.family, /of 2 blocks, norms before them/);
		assert.deepEqual(
			parts.places.map(({ name }) => name),
			["norm.embedding", "blocks.0.norm1", "blocks.0.norm2", "blocks.1.norm1", "blocks.1.norm2", "norm"],
		);
		assert.equal(parts.taps.length, 2);
	});
});
