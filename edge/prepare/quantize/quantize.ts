import type { Range } from "../calibrate/histogram.js";
import type { Parts } from "../expose/find.js";
import {
	consumersOf,
	type Draft,
	edit,
	floatOf,
	floats,
	integers,
	intOf,
	ints,
	intsOf,
	signedBytes,
	toFloats,
	unsignedBytes,
	wholeNumbers,
} from "../graph/graph.js";
import type { Graph, Node, Tensor } from "../graph/onnx.js";

/**
 * The tensors that become bytes, whose ranges have to be known: what enters a matrix product with a constant (but the
 * classifier's) and what enters or leaves a convolution behind the first. Norms, softmax and classifier stay in float, and
 * so do attention's products of activations: as bytes they gain nothing on the demo's model and 0 to 7 % on DeiT-tiny's shape.
 */
export function quantizableTensors(graph: Graph, parts: Parts): string[] {
	const linear = linearNodes(graph, parts).map(({ inputs }) => inputs[0]);
	const convolved = convolutions(graph).flatMap(({ node, output }) => [node.inputs[0], output]);
	return [...new Set([...convolved, ...linear])];
}

interface Convolution {
	readonly node: Node;
	/** What the convolution makes, behind its ReLU where it has one. */
	readonly output: string;
}

/**
 * All convolutions but the first. That one's output goes through the stem's affine: as bytes it would have lost, in fog or
 * at night, what the affine is there to bring back.
 */
function convolutions(graph: Graph): Convolution[] {
	const consumers = consumersOf(graph);
	return graph.nodes
		.filter(({ op }) => op === "Conv")
		.slice(1)
		.filter(({ inputs }) => inputs.slice(1).every((name) => graph.constants.has(name)))
		.map((node) => {
			const [output] = node.outputs;
			const readers = consumers.get(output) ?? [];
			const rectified = readers.length === 1 && readers[0].op === "Relu";
			return { node, output: rectified ? readers[0].outputs[0] : output };
		});
}

const linearNodes = (graph: Graph, parts: Parts) =>
	graph.nodes.filter(
		(node) =>
			graph.constants.get(node.inputs[1])?.dims.length === 2 &&
			node.inputs[1] !== parts.head.weight &&
			(node.op === "MatMul" || isPlainGemm(graph, node)),
	);

/** Whether a Gemm is no more than a product and a bias for each column. */
const isPlainGemm = (graph: Graph, node: Node) =>
	node.op === "Gemm" &&
	intOf(node, "transA", 0) === 0 &&
	floatOf(node, "alpha", 1) === 1 &&
	floatOf(node, "beta", 1) === 1 &&
	(!node.inputs[2] || graph.constants.get(node.inputs[2])?.dims.length === 1);

/**
 * Makes linear layers and convolutions int8: weights symmetric for each output channel, activations asymmetric uint8 in the
 * given ranges. A stem that cuts the image into patches becomes a matrix product too, on the very bytes of the image; its
 * output stays float, as that of every linear layer does.
 *
 * The products are written as ONNX Runtime's own MatMulIntegerToFloat. QuantizeLinear/DequantizeLinear around a MatMul
 * would be fused into the same, but leave the bias an Add of its own: 6 to 11 % slower on the demo's model.
 */
export function quantize(graph: Graph, parts: Parts, ranges: ReadonlyMap<string, Range>): Graph {
	const quantized = edit(graph, (draft) => {
		const known = new Map<string, Bytes>();
		const bytesOf = (tensor: string): Bytes => {
			const bytes = known.get(tensor) ?? roundToBytes(draft, tensor, stepsOf(draft, ranges, tensor));
			known.set(tensor, bytes);
			return bytes;
		};
		for (const { node, output } of convolutions(graph)) {
			const result = convolve(draft, graph, node, bytesOf(node.inputs[0]), stepsOf(draft, ranges, output));
			known.set(output, result);
			draft.remove(node.outputs[0]);
			draft.remove(output);
			draft.make(output, "DequantizeLinear", [result.tensor, result.step, result.zero]);
		}
		for (const node of linearNodes(graph, parts)) {
			const { output, bias } = withBias(graph, node);
			const input = bytesOf(node.inputs[0]);
			draft.remove(node.outputs[0]);
			draft.remove(output);
			multiply(draft, output, input, matrixOf(graph, node), bias);
		}
		const [first] = graph.nodes.filter(({ op }) => op === "Conv");
		if (isPatching(first)) patchify(draft, graph, parts, first);
	});
	return { ...quantized, opsets: [...graph.opsets, { domain: "com.microsoft", version: 1 }] };
}

/** What a byte stands for: (byte − zero) · step. */
interface Steps {
	/** The step as a number. */
	readonly size: number;
	/** Constants that hold step and zero. */
	readonly step: string;
	readonly zero: string;
}

interface Bytes extends Steps {
	readonly tensor: string;
}

function stepsOf(draft: Draft, ranges: ReadonlyMap<string, Range>, tensor: string): Steps {
	const range = ranges.get(tensor);
	if (range === undefined) throw new TypeError(`no range for ${tensor}`);
	const size = Math.fround(Math.max(range.max - range.min, 1e-6) / 255);
	const zero = Math.max(0, Math.min(255, Math.round(-range.min / size)));
	return {
		size,
		step: draft.constant("step", floats([], [size])),
		zero: draft.constant("zero", unsignedBytes([], [zero])),
	};
}

const roundToBytes = (draft: Draft, input: string, steps: Steps): Bytes => ({
	...steps,
	tensor: draft.add("QuantizeLinear", [input, steps.step, steps.zero]),
});

/** Convolves bytes into bytes. A ReLU behind it is in the range of the result, whose zero is then the lowest byte. */
function convolve(draft: Draft, graph: Graph, node: Node, input: Bytes, result: Steps): Bytes {
	const weight = graph.constants.get(node.inputs[1]) as Tensor;
	const [channels, ...rest] = weight.dims;
	const area = rest.reduce((product, length) => product * length, 1);
	const { rounded, steps } = roundWeights(toFloats(weight), channels, (i) => Math.floor(i / area));
	const inputs = [
		...[input.tensor, input.step, input.zero],
		draft.constant("weight.int8", signedBytes(weight.dims, rounded)),
		draft.constant("weight.step", floats([channels], steps)),
		draft.constant("weight.zero", signedBytes([channels], new Int8Array(channels))),
		...[result.step, result.zero],
	];
	if (node.inputs[2]) {
		const bias = toFloats(graph.constants.get(node.inputs[2]) as Tensor);
		const whole = bias.map((value, channel) => Math.round(value / (input.size * steps[channel])));
		inputs.push(draft.constant("bias.int32", wholeNumbers([channels], whole)));
	}
	return { ...result, tensor: draft.add("QLinearConv", inputs, ...node.attributes) };
}

/** Rounds weights to −127…127, those of each channel with its own step. */
function roundWeights(values: Float32Array, channels: number, channelOf: (index: number) => number) {
	const steps = new Float32Array(channels);
	for (const [i, value] of values.entries()) {
		steps[channelOf(i)] = Math.max(steps[channelOf(i)], Math.abs(value) / 127);
	}
	// A channel of nothing but zeros.
	for (const channel of steps.keys()) steps[channel] ||= 1;
	return { steps, rounded: values.map((value, i) => Math.round(value / steps[channelOf(i)])) };
}

/** The bias of a linear layer, and the tensor that holds the layer's result with it. */
function withBias(graph: Graph, node: Node): { output: string; bias?: string } {
	const [output] = node.outputs;
	if (node.op === "Gemm") return node.inputs[2] ? { output, bias: node.inputs[2] } : { output };
	const readers = consumersOf(graph).get(output) ?? [];
	const isOutput = graph.outputs.some(({ name }) => name === output);
	const columns = graph.constants.get(node.inputs[1])?.dims[1];
	const bias = readers[0]?.inputs.find((name) => graph.constants.get(name)?.dims.join() === `${columns}`);
	if (readers.length !== 1 || readers[0].op !== "Add" || bias === undefined || isOutput) return { output };
	return { output: readers[0].outputs[0], bias };
}

/** Makes `output` the product of bytes and a matrix. */
function multiply(draft: Draft, output: string, { tensor, step, zero }: Bytes, matrix: Matrix, bias = ""): void {
	const { rows, columns } = matrix;
	const { rounded, steps } = roundWeights(matrix.values, columns, (i) => i % columns);
	const weight = draft.constant("weight.int8", signedBytes([rows, columns], rounded));
	const weightStep = draft.constant("weight.step", floats([columns], steps));
	const weightZero = draft.constant("weight.zero", signedBytes([columns], new Int8Array(columns)));
	draft.nodes.push({
		op: "MatMulIntegerToFloat",
		domain: "com.microsoft",
		inputs: [tensor, weight, step, weightStep, zero, weightZero, bias],
		outputs: [output],
		attributes: [],
	});
}

function matrixOf(graph: Graph, node: Node): Matrix {
	const weight = graph.constants.get(node.inputs[1]) as Tensor;
	const [rows, columns] = weight.dims;
	const values = toFloats(weight);
	return intOf(node, "transB", 0) === 1 ? transposed(values, rows, columns) : { values, rows, columns };
}

interface Matrix {
	readonly values: Float32Array;
	readonly rows: number;
	readonly columns: number;
}

const transposed = (values: Float32Array, rows: number, columns: number): Matrix => ({
	values: values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]),
	rows: columns,
	columns: rows,
});

const isPatching = (conv: Node) => {
	const [kernel, strides] = [intsOf(conv, "kernel_shape"), intsOf(conv, "strides")];
	const plain = [...(intsOf(conv, "pads") ?? []), ...(intsOf(conv, "dilations") ?? []).map((d) => d - 1)].every(
		(v) => v === 0,
	);
	return plain && kernel !== undefined && kernel.join() === strides?.join();
};

/** A convolution whose patches neither overlap nor are padded is a matrix product of the patches' bytes. */
function patchify(draft: Draft, graph: Graph, { stem }: Parts, conv: Node): void {
	const weight = graph.constants.get(conv.inputs[1]) as Tensor;
	const [channels, planes, kernelHeight, kernelWidth] = weight.dims;
	const { height, width } = stem;
	const area = planes * kernelHeight * kernelWidth;
	const shape = (...lengths: number[]) => draft.constant("shape", integers(lengths));
	const cells = draft.add("Reshape", ["pixels", shape(-1, planes, height, kernelHeight, width, kernelWidth)]);
	const sorted = draft.add("Transpose", [cells], ints("perm", 0, 2, 4, 1, 3, 5));
	const patches = draft.add("Reshape", [sorted, shape(-1, height * width, area)]);
	// A byte of the image is its own value.
	const exact = {
		tensor: patches,
		size: 1,
		step: draft.constant("step", floats([], [1])),
		zero: draft.constant("zero", unsignedBytes([], [0])),
	};
	const product = draft.fresh("patches");
	multiply(draft, product, exact, transposed(toFloats(weight), channels, area), conv.inputs[2]);
	const [output] = conv.outputs;
	draft.remove(output);
	draft.make(output, "Reshape", [
		draft.add("Transpose", [product], ints("perm", 0, 2, 1)),
		shape(-1, channels, height, width),
	]);
}
