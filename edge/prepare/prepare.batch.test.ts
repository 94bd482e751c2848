import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { normalize, together } from "./calibrate/samples.js";
import { distance, forward, workshops, written } from "./fixtures.js";
import {
	drawnFrames,
	MAP,
	momentsOfMap,
	momentsOfNorm,
	type ResNetOptions,
	tinyResNet,
	trainedOn,
} from "./fixtures.resnet.js";
import { consumersOf, edit, floats } from "./graph/graph.js";
import type { Graph, Node } from "./graph/onnx.js";
import { evaluate } from "./graph/session.js";
import { prepare } from "./prepare.js";

const open = workshops();
const plain = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const FRAMES = 6;
const SIZE = 3 * MAP * MAP;

/** What the original model gets for frames of bytes. */
function imageOf(frames: Uint8Array): Float32Array {
	const all = Array.from({ length: frames.length / SIZE }, (_, i) => frames.subarray(i * SIZE, (i + 1) * SIZE));
	return together(all.map((frame) => normalize(frame, plain)));
}

/** Logits of the original, each of its BatchNorms (but those that `running` names) by the moments of this very batch. */
async function inTraining(graph: Graph, image: Float32Array, running: (norm: Node) => boolean): Promise<Float32Array> {
	const feeds = { image: { data: image, dims: [image.length / SIZE, 3, MAP, MAP] } };
	let current = graph;
	for (const norm of graph.nodes.filter((node) => node.op === "BatchNormalization" && !running(node))) {
		const [input] = norm.inputs;
		const seen = (await evaluate({ ...current, outputs: [{ name: input, type: 0, dims: [] }] }, feeds))[input];
		const [mean, variance] = momentsOfMap(seen.data as Float32Array, seen.dims);
		current = edit(current, (draft) => {
			const [, scale, bias] = norm.inputs;
			const constants = [mean, variance].map((values) => draft.constant("batch", floats([values.length], values)));
			draft.replace(norm.outputs[0], (node) => ({ ...node, inputs: [input, scale, bias, ...constants] }));
		});
	}
	return (await evaluate(current, feeds)).logits.data as Float32Array;
}

/** The norm of the first convolution, or the first that reads it. */
function isOfStem(graph: Graph): (norm: Node) => boolean {
	const [stem] = consumersOf(graph).get("image") ?? [];
	return ({ inputs }) => inputs[0] === stem.outputs[0];
}

async function batched(graph: Graph, bits: 8 | 32) {
	const shop = await open(graph);
	const { manifest } = await prepare({ ...shop, ...plain, bits, statistics: "batch" });
	const { source } = await openBundle(shop.out);
	return { manifest, graph: await written(shop), affine: source.affine };
}

describe("BatchNorms by the batch's own moments", () => {
	for (const [name, options] of Object.entries<ResNetOptions>({
		"behind convolutions": { stages: 3 },
		"behind depthwise convolutions": { block: "inverted", activation: "clip" },
		"before convolutions": { block: "before", pool: true },
	})) {
		it(`give the logits that the model has in training, but for the stem's (${name})`, async () => {
			const model = tinyResNet(options);
			const { graph, affine, manifest } = await batched(model, 32);
			assert.equal(manifest.statistics, "batch");
			const frames = drawnFrames(FRAMES);
			const { logits } = await forward(graph, frames, affine);
			const expected = await inTraining(model, imageOf(frames), isOfStem(model));
			assert.ok(distance(logits, expected) < 1e-3, `largest difference ${distance(logits, expected)}`);
			const usual = await evaluate(model, { image: { data: imageOf(frames), dims: [FRAMES, 3, MAP, MAP] } });
			assert.ok(distance(expected, usual.logits.data as Float32Array) > 0.1);
		});
	}

	it("give the usual logits for a batch whose moments are the running ones", async () => {
		const frames = drawnFrames(FRAMES);
		const model = await trainedOn(tinyResNet({ pool: true }), imageOf(frames));
		const { graph, affine } = await batched(model, 32);
		const { logits } = await forward(graph, frames, affine);
		const usual = await evaluate(model, { image: { data: imageOf(frames), dims: [FRAMES, 3, MAP, MAP] } });
		const error = distance(logits, usual.logits.data as Float32Array);
		assert.ok(error < 1e-3, `largest difference ${error}`);
	});

	it("are close to that in int8", async () => {
		const frames = drawnFrames(FRAMES);
		const model = await trainedOn(tinyResNet(), imageOf(frames));
		const { graph, affine } = await batched(model, 8);
		const { logits } = await forward(graph, frames, affine);
		const expected = await inTraining(model, imageOf(frames), isOfStem(model));
		assert.ok(distance(logits, expected) < 0.3, `largest difference ${distance(logits, expected)}`);
	});
});

describe("the moments that fixtures give to norms", () => {
	it("are those that their BatchNorms see", async () => {
		const frames = drawnFrames(FRAMES);
		const model = await trainedOn(tinyResNet(), imageOf(frames));
		const norm = model.nodes.findLast(({ op }) => op === "BatchNormalization") as Node;
		const outputs = [{ name: norm.outputs[0], type: 0, dims: [] }];
		const found = await evaluate(
			{ ...model, outputs },
			{ image: { data: imageOf(frames), dims: [FRAMES, 3, MAP, MAP] } },
		);
		const { data, dims } = found[norm.outputs[0]];
		const [mean, variance] = momentsOfMap(data as Float32Array, dims);
		const { scale, bias } = momentsOfNorm(model, norm);
		assert.ok(distance(mean, bias) < 1e-3);
		assert.ok(distance(variance.map(Math.sqrt), scale.map(Math.abs)) < 2e-2);
	});
});
