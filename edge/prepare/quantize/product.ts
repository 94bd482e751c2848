import { consumersOf, type Draft, integers, intOf, ints, signedBytes, toFloats, transposed } from "../graph/graph.js";
import type { Graph, Node, Tensor } from "../graph/onnx.js";
import { type Bytes, roundedConstant, stepAndZero } from "./bytes.js";
import { type Bits, weightGrid } from "./grids.js";

/** A constant factor [rows,columns] of a product. */
interface Matrix {
	readonly values: Float32Array;
	readonly rows: number;
	readonly columns: number;
}

/**
 * Makes `output` the product of bytes and a matrix, in float. It is written as ONNX Runtime's own MatMulIntegerToFloat:
 * QuantizeLinear/DequantizeLinear around a MatMul would be fused into the same, but leave the bias an Add of its own, 6 to
 * 11 % slower on the demo's model.
 */
export function multiply(draft: Draft, output: string, input: Bytes, matrix: Matrix, bits: Bits, bias = ""): void {
	const dims = [matrix.rows, matrix.columns];
	const grid = weightGrid(matrix.values, dims, 1, bits);
	const weight = draft.constant("weight.int8", signedBytes(dims, roundedConstant(matrix.values, dims, grid)));
	const { step, zero } = stepAndZero(draft, grid);
	draft.nodes.push({
		op: "MatMulIntegerToFloat",
		domain: "com.microsoft",
		inputs: [input.tensor, weight, input.step, step, input.zero, zero, bias],
		outputs: [output],
		attributes: [],
	});
}

/** The bias of a linear layer, and the tensor that holds the layer's result with it. */
export function withBias(graph: Graph, node: Node): { output: string; bias?: string } {
	const [output] = node.outputs;
	if (node.op === "Gemm") return node.inputs[2] ? { output, bias: node.inputs[2] } : { output };
	const readers = consumersOf(graph).get(output) ?? [];
	const isOutput = graph.outputs.some(({ name }) => name === output);
	const columns = graph.constants.get(node.inputs[1])?.dims[1];
	const bias = readers[0]?.inputs.find((name) => graph.constants.get(name)?.dims.join() === `${columns}`);
	if (readers.length !== 1 || readers[0].op !== "Add" || bias === undefined || isOutput) return { output };
	return { output: readers[0].outputs[0], bias };
}

export function matrixOf(graph: Graph, node: Node): Matrix {
	const weight = graph.constants.get(node.inputs[1]) as Tensor;
	const [rows, columns] = weight.dims;
	const values = toFloats(weight);
	return intOf(node, "transB", 0) === 1
		? { values: transposed(values, rows, columns), rows: columns, columns: rows }
		: { values, rows, columns };
}

/** A convolution whose patches neither overlap nor are padded is a matrix product of the patches' bytes. */
export function patchify(
	draft: Draft,
	conv: Node,
	weight: Tensor,
	pixels: Bytes,
	{ height, width }: { readonly height: number; readonly width: number },
	bits: Bits,
): void {
	const [channels, planes, kernelHeight, kernelWidth] = weight.dims;
	const area = planes * kernelHeight * kernelWidth;
	const shape = (...lengths: number[]) => draft.constant("shape", integers(lengths));
	const cells = draft.add("Reshape", [pixels.tensor, shape(-1, planes, height, kernelHeight, width, kernelWidth)]);
	const sorted = draft.add("Transpose", [cells], ints("perm", 0, 2, 4, 1, 3, 5));
	const patches = { ...pixels, tensor: draft.add("Reshape", [sorted, shape(-1, height * width, area)]) };
	const product = draft.fresh("patches");
	const matrix = { values: transposed(toFloats(weight), channels, area), rows: area, columns: channels };
	multiply(draft, product, patches, matrix, bits, conv.inputs[2]);
	const [output] = conv.outputs;
	draft.remove(output);
	draft.make(output, "Reshape", [
		draft.add("Transpose", [product], ints("perm", 0, 2, 1)),
		shape(-1, channels, height, width),
	]);
}

export const plainBytes = (draft: Draft, tensor: string, zero: number): Bytes => {
	const grid = {
		type: "uint8",
		steps: Float32Array.of(1),
		zeros: Int32Array.of(zero),
		axis: 0,
		lowest: 0,
		highest: 255,
	} as const;
	return { tensor, ...stepAndZero(draft, grid), grid };
};
