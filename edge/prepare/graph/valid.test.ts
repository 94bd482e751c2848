import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../../mistake.js";
import { decodeModel } from "./onnx.js";
import { type Message, writeMessage } from "./schema.js";

/** An image through a Conv and a Relu, as the messages of a file. */
const small = (): Message => ({
	irVersion: 8,
	opsetImport: [{ version: 17 }],
	graph: {
		node: [
			{ opType: "Conv", input: ["image", "weight"], output: ["sum"], attribute: [{ name: "group", type: 2, i: 1 }] },
			{ opType: "Relu", input: ["sum"], output: ["logits"] },
		],
		initializer: [{ name: "weight", dataType: 1, dims: [1, 3, 1, 1], rawData: floats(1, 2, 3) }],
		input: [{ name: "image", type: { tensorType: { elemType: 1 } } }],
		output: [{ name: "logits" }],
	},
});

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** What a file with such messages is decoded to. */
const decoded = (change: (model: Message) => void) => {
	const model = small();
	change(model);
	return decodeModel(writeMessage(model), "m.onnx");
};

const weight = (values: object) => (model: Message) => Object.assign(model.graph.initializer[0], values);
const bytesOf = (values: object) => [...(decoded(weight(values)).constants.get("weight")?.bytes ?? [])];

describe("an ONNX file is read", () => {
	it("with its floats as a list of numbers", () => {
		assert.deepEqual(bytesOf({ rawData: undefined, floatData: [floats(1, 2), floats(3)] }), [...floats(1, 2, 3)]);
	});

	it("with integers of every width as a list of numbers, negative ones too", () => {
		const minusTwo = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
		const list = Uint8Array.from([...minusTwo, 0xac, 0x02]);
		const as = (dataType: number, field: string) =>
			bytesOf({ dataType, dims: [2], rawData: undefined, [field]: [list] });
		assert.deepEqual(as(3, "int32Data"), [254, 44]);
		assert.deepEqual(as(5, "int32Data"), [254, 255, 44, 1]);
		assert.deepEqual(as(6, "int32Data"), [254, 255, 255, 255, 44, 1, 0, 0]);
		assert.deepEqual(as(7, "int64Data"), [254, 255, 255, 255, 255, 255, 255, 255, 44, 1, 0, 0, 0, 0, 0, 0]);
		assert.deepEqual(as(12, "uint64Data"), [254, 255, 255, 255, 44, 1, 0, 0]);
	});

	it("with inputs left out, weights of no elements and a bound that is infinite", () => {
		const graph = decoded(({ graph }) => {
			graph.node[1] = { opType: "Clip", input: ["sum", "", "most"], output: ["logits", ""] };
			graph.initializer.push({ name: "most", dataType: 1, rawData: floats(Number.POSITIVE_INFINITY) });
			graph.initializer.push({ name: "none", dataType: 1, dims: [0, 4] });
		});
		assert.deepEqual(graph.nodes[1].inputs, ["sum", "", "most"]);
		assert.equal(graph.constants.get("none")?.bytes.length, 0);
	});

	it("with nodes in executable order, whatever order the file has", () => {
		const graph = decoded(({ graph }) => graph.node.reverse());
		assert.deepEqual(
			graph.nodes.map(({ op }) => op),
			["Conv", "Relu"],
		);
	});

	it("with 100 000 nodes in a row, the last one first", () => {
		const graph = decoded(({ graph }) => {
			const chain = (_: unknown, i: number) => ({ opType: "Relu", input: [`t${i}`], output: [`t${i + 1}`] });
			graph.node = Array.from({ length: 100_000 }, chain).reverse();
			graph.input[0].name = "t0";
			graph.output[0].name = "t100000";
		});
		assert.deepEqual(graph.nodes[0].inputs, ["t0"]);
	});
});

describe("an ONNX file is refused in one sentence", () => {
	const cases: [string, (model: Message) => void, RegExp][] = [
		[
			"weights of another size than their dims",
			weight({ dims: [4] }),
			/weight weight has dims \[4\]: expected 16 bytes/,
		],
		["negative dims", weight({ dims: [-1, -3] }), /has dims \[-1,-3\], which no weights/],
		["dims that are too much for memory", weight({ dims: [65536, 65536, 4] }), /which no weights in a file can have/],
		["dims that overflow to what is there", weight({ dims: ["4611686018427387904", 4, 3] }), /which no weights/],
		["fewer numbers than dims", weight({ rawData: undefined, floatData: [floats(1)] }), /12 bytes of weights, found 4/],
		["an unknown element type", weight({ dataType: 99 }), /weight weight has element type 99, which is not known/],
		["text", weight({ stringData: [Buffer.from("a")] }), /weight weight holds text/],
		["segments", weight({ segment: Buffer.from([8, 1]) }), /cut into segments/],
		["a NaN", weight({ rawData: floats(1, Number.NaN, 3) }), /weight weight is not finite/],
		["an infinity", weight({ rawData: floats(1, 2, Number.NEGATIVE_INFINITY) }), /weight weight is not finite/],
		["a NaN in half precision", weight({ dataType: 10, dims: [1], rawData: Uint8Array.of(1, 0x7e) }), /not finite/],
		["weights in another file", weight({ dataLocation: 1 }), /keeps its weights in another file/],
		["a weight without a name", weight({ name: "" }), /has a weight without a name/],
		["two weights of one name", (m) => m.graph.initializer.push(m.graph.initializer[0]), /two weights called weight$/],
		[
			"two nodes that make one tensor",
			(m) => m.graph.node.push(m.graph.node[1]),
			/tensor logits is made in two places/,
		],
		["a node that makes an input", (m) => m.graph.node[0].output.push("image"), /tensor image is made in two places/],
		["two inputs of one name", (m) => m.graph.input.push(m.graph.input[0]), /tensor image is made in two places/],
		["two outputs of one name", (m) => m.graph.output.push(m.graph.output[0]), /two outputs called logits/],
		[
			"a node that reads what nothing makes",
			(m) => m.graph.node[0].input.push("b"),
			/Conv reads b, which nothing makes/,
		],
		["an output that nothing makes", (m) => m.graph.output.push({ name: "x" }), /nothing makes its output x/],
		[
			"a circle",
			(m) => m.graph.node[0].input.push("logits"),
			/Conv that makes sum reads what is made from it|Relu that makes logits reads what is made from it/,
		],
		["a node without an operator", (m) => delete m.graph.node[1].opType, /node that makes logits has no operator/],
		["a node without outputs", (m) => m.graph.node.push({ opType: "Relu", input: ["sum"] }), /Relu has no outputs/],
		[
			"two attributes of one name",
			(m) => m.graph.node[0].attribute.push(m.graph.node[0].attribute[0]),
			/two attributes/,
		],
		["no nodes", (m) => (m.graph.node = []), /expected an ONNX model, found no graph in it/],
		["no outputs", (m) => (m.graph.output = []), /has no outputs/],
		["no inputs", (m) => (m.graph.input = []), /has no inputs/],
		["an input that is no tensor", (m) => delete m.graph.input[0].type, /input image has element type 0/],
		["no opset", (m) => (m.opsetImport = [{ domain: "com.microsoft", version: 1 }]), /does not say which opset/],
		[
			"an old opset",
			(m) => (m.opsetImport[0].version = 11),
			/is written in opset 11; expected 13 to 21: export it again with opset_version=17$/,
		],
		["a new opset", (m) => (m.opsetImport[0].version = 22), /is written in opset 22; expected 13 to 21/],
		["a new format", (m) => (m.irVersion = 99), /is in version 99 of the ONNX format/],
		["two opsets", (m) => m.opsetImport.push({ domain: "ai.onnx", version: 18 }), /names several opsets \(17, 18\)/],
		["functions", (m) => (m.functions = [Buffer.from([])]), /contains model-local functions/],
		["steps of training", (m) => (m.trainingInfo = [Buffer.from([])]), /contains steps of training/],
		["sparse weights", (m) => (m.graph.sparseInitializer = [Buffer.from([])]), /contains sparse weights/],
		[
			"a subgraph",
			(m) => (m.graph.node[1].attribute = [{ name: "then_branch", type: 5 }]),
			/node logits holds a subgraph \(Relu\)/,
		],
		[
			"an attribute that holds another file's bytes",
			(m) => (m.graph.node[1].attribute = [{ name: "value", type: 4, t: { dataType: 1, dataLocation: 1 } }]),
			/keeps its weights in another file/,
		],
		[
			"a constant of another size than its dims",
			(m) => (m.graph.node[1].attribute = [{ name: "value", type: 4, t: { dataType: 1, dims: [2] } }]),
			/value of node logits has dims \[2\]: expected 8 bytes of weights, found 0/,
		],
		[
			"a name of two lines",
			(m) => (m.graph.node[0].opType = "Conv\nMistake"),
			/name "Conv\\nMistake" holds a line end/,
		],
		["a name of JavaScript's", weight({ name: "__proto__" }), /__proto__/],
	];
	for (const [name, change, message] of cases) {
		it(`for ${name}`, () => assert.throws(() => decoded(change), isMistake(message)));
	}

	const files: [string, Uint8Array, RegExp][] = [
		["an empty file", Buffer.alloc(0), /expected an ONNX model, found an empty file/],
		["text", Buffer.from("Dear reader,\nthis is no model.\n"), /expected an ONNX model/],
		["a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\n"), /git lfs pull/],
		["a PyTorch checkpoint", Buffer.from("PK\x03\x04archive/data.pkl"), /torch\.onnx\.export/],
		["a file that was cut off", writeMessage(small()).subarray(0, 90), /expected an ONNX model/],
		["a length beyond the end", Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0]), /cannot be decoded/],
		["groups in groups without end", Buffer.alloc(1_000_000, 0x0b), /cannot be decoded/],
		["messages in messages without end", Buffer.alloc(1_000_000, 0x3a), /cannot be decoded/],
		[
			"an unknown field",
			Buffer.concat([writeMessage(small()), Buffer.from([0x98, 0x06, 1])]),
			/newer than this program/,
		],
		// 5 MB of empty nodes, each of which would be an object.
		["nothing but parts", Buffer.concat([Buffer.from([0x3a, 0x80, 0x80, 0xc0, 2]), emptyNodes()]), /cannot be decoded/],
	];
	for (const [name, bytes, message] of files) {
		it(`for ${name}`, () => assert.throws(() => decodeModel(bytes, "m.onnx"), isMistake(message)));
	}
});

function emptyNodes(): Uint8Array {
	const bytes = Buffer.alloc(5 * 2 ** 20);
	for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x0a;
	return bytes;
}

const isMistake = (message: RegExp) => (error: unknown) => {
	assert.ok(error instanceof Mistake, String(error));
	assert.match(error.message, message);
	assert.match(error.message, /^m\.onnx: [^\n]+$/);
	return true;
};
