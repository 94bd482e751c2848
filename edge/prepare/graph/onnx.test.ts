import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tinyTransformer } from "../fixtures.js";
import { quantizedConvolutions } from "./fixtures.js";
import { edit, floats, producersOf, toFloats } from "./graph.js";
import { decodeModel, encodeModel, type Tensor } from "./onnx.js";

describe("an ONNX file", () => {
	it("is the same to the byte when it is read and written again", () => {
		const bytes = encodeModel(tinyTransformer({ stem: "padded" }));
		assert.deepEqual(Buffer.from(encodeModel(decodeModel(bytes, "tiny"))), Buffer.from(bytes));
	});

	it("keeps all kinds of attributes, and what they hold", () => {
		const graph = quantizedConvolutions();
		const [first, ...rest] = graph.nodes;
		const attributes = [
			{ name: "a", type: 1, f: 0.5 },
			{ name: "b", type: 2, i: 0 },
			{ name: "c", type: 3, s: Buffer.from("text") },
			{ name: "d", type: 6, floats: [1, 2] },
			{ name: "e", type: 7, ints: [] },
			{ name: "f", type: 8, strings: [Buffer.from("x"), Buffer.from("")] },
		];
		const bytes = encodeModel({ ...graph, nodes: [{ ...first, attributes }, ...rest] });
		assert.deepEqual(Buffer.from(encodeModel(decodeModel(bytes, "small"))), Buffer.from(bytes));
	});

	it("keeps a number that needs all 64 bits", () => {
		const huge: Tensor = { type: 7, dims: [1], bytes: new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer) };
		const graph = tinyTransformer();
		const constants = new Map([...graph.constants, ["huge", huge]]);
		const found = decodeModel(encodeModel({ ...graph, constants }), "tiny").constants.get("huge");
		assert.deepEqual(Buffer.from(found?.bytes ?? []), Buffer.from(huge.bytes));
	});
});

describe("an edited graph", () => {
	it("stands in executable order and has lost what no output needs", () => {
		const graph = tinyTransformer();
		const edited = edit(graph, (draft) => {
			draft.add("Relu", ["image"]);
			draft.constant("unused", floats([1], [1]));
			draft.nodes.reverse();
		});
		assert.equal(edited.nodes.length, graph.nodes.length);
		assert.ok(!edited.constants.has("unused"));
		const made = new Set(["image", ...edited.constants.keys()]);
		for (const { inputs, outputs } of edited.nodes) {
			assert.ok(inputs.every((name) => made.has(name)));
			for (const output of outputs) made.add(output);
		}
	});

	it("leaves the graph it was made from as it was", () => {
		const graph = tinyTransformer();
		const before = encodeModel(graph);
		edit(graph, (draft) => {
			const name = draft.intercept(draft.nodes[5].outputs[0]);
			draft.remove(name);
			draft.constants.clear();
		});
		assert.deepEqual(encodeModel(graph), before);
	});

	it("lets a node be put between a tensor and its readers", () => {
		const graph = tinyTransformer();
		const head = graph.nodes[graph.nodes.length - 2];
		const [features] = head.inputs;
		const edited = edit(graph, (draft) => draft.make(features, "Relu", [draft.intercept(features)]));
		const relu = producersOf(edited).get(features);
		assert.equal(relu?.op, "Relu");
		assert.equal(producersOf(edited).get(relu?.inputs[0] as string)?.op, "Gather");
	});

	it("reads floats wherever they lie in the file", () => {
		const buffer = new Uint8Array(13);
		new DataView(buffer.buffer).setFloat32(5, 1.5, true);
		assert.deepEqual([...toFloats({ type: 1, dims: [1], bytes: buffer.subarray(5, 9) })], [1.5]);
	});
});
