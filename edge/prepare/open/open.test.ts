import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryDirectory } from "../../../adapters/fixtures.js";
import { Mistake } from "../../mistake.js";
import { tinyTransformer, workshops } from "../fixtures.js";
import { edit, floats, int, integers, ints } from "../graph/graph.js";
import { ElementType, encodeModel, type Graph } from "../graph/onnx.js";
import { prepare } from "../prepare.js";
import { openModel } from "./open.js";

const folder = temporaryDirectory();
const shop = workshops();

async function opened(graph: Graph) {
	const path = join(folder, "model.onnx");
	await writeFile(path, encodeModel(graph));
	return openModel(path);
}

const refused = (graph: Graph, message: RegExp) =>
	assert.rejects(opened(graph), (error) => error instanceof Mistake && message.test(error.message));

describe("a model that normalizes its image itself", () => {
	const plain = tinyTransformer({ stem: "padded" });
	const graph = edit(plain, (draft) => {
		const [{ name: image, dims }] = draft.inputs;
		const row = (...values: number[]) => draft.constant("row", floats([1, 3, 1, 1], values));
		const turned = draft.add("Transpose", [image], ints("perm", 0, 3, 1, 2));
		const normal = draft.add("Div", [draft.add("Sub", [turned, row(0.4, 0.5, 0.6)]), row(0.2, 0.3, 0.4)]);
		for (const node of plain.nodes) {
			if (!node.inputs.includes(image)) continue;
			draft.replace(node.outputs[0], (old) => ({
				...old,
				inputs: old.inputs.map((one) => (one === image ? normal : one)),
			}));
		}
		draft.inputs = [{ name: image, type: ElementType.float32, dims: [dims[0], dims[2], dims[3], dims[1]] }];
	});

	it("gives the same logits when it is prepared, channels last and padding included", async () => {
		for (const bits of [32, 8] as const) {
			const { report } = await prepare({ ...(await shop(graph)), mean: [0.1, 0.1, 0.1], std: [0.9, 0.9, 0.9], bits });
			assert.ok(report.logitError.max < (bits === 32 ? 1e-4 : 0.3), `${bits} bits: ${report.logitError.max}`);
		}
	});

	it("is told of while it is prepared", async () => {
		const sentences: string[] = [];
		await prepare({ ...(await shop(graph)), bits: 32 }, (sentence) => sentences.push(sentence));
		assert.ok(
			sentences.includes("the model normalizes its image itself; mean and std are taken for what comes before that"),
		);
	});
});

describe("a model that cannot be prepared", () => {
	const plain = tinyTransformer();
	const [logits] = plain.outputs;

	it("is refused in one sentence where its weights are not float32, however they stand in it", async () => {
		const [name, tensor] = [...plain.constants].find(([, { type }]) => type === ElementType.float32) ?? assert.fail();
		const half = { ...tensor, type: 10, bytes: new Uint8Array(tensor.bytes.length / 2) };
		const constants = new Map([...plain.constants, [name, half] as const]);
		await refused({ ...plain, constants }, /model\.onnx: holds float16 weights \(.+\); expected a float32 model$/);
		const computed = edit(plain, (draft) => {
			const narrow = draft.add("Cast", [draft.constant("number", floats([3], [1, 2, 3]))], int("to", 10));
			const flowing = draft.add("Cast", [draft.intercept(logits.name)], int("to", 10));
			draft.make(logits.name, "Cast", [draft.add("Add", [flowing, narrow])], int("to", 1));
		});
		await refused(computed, /model\.onnx: computes .+ in float16; expected a float32 model$/);
	});

	it("is refused where it tells no two classes apart, or has logits for more than frames", async () => {
		const one = edit(plain, (draft) => {
			const first = draft.add(
				"Gather",
				[draft.intercept(logits.name), draft.constant("first", integers([0]))],
				int("axis", 1),
			);
			draft.make(logits.name, "Identity", [first]);
		});
		await refused(
			one,
			/its output for a frame is \[1,1\]; expected a classifier's logits, \[1,C\] for C classes, two at least$/,
		);
	});

	it("is refused where it takes bytes", async () => {
		const bytes = edit(plain, (draft) => {
			const [image] = draft.inputs;
			const cast = draft.add("Cast", [image.name], int("to", ElementType.float32));
			draft.nodes = draft.nodes.map((node) =>
				node.outputs[0] === cast
					? node
					: { ...node, inputs: node.inputs.map((one) => (one === image.name ? cast : one)) },
			);
			draft.inputs = [{ ...image, type: ElementType.uint8 }];
		});
		await refused(
			bytes,
			/its input image is uint8 \[N,3,16,16\]; expected float32 \[N,3,H,W\], what makes floats of bytes left out/,
		);
	});
});
