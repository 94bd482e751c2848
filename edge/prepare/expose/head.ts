import { Mistake } from "../../mistake.js";
import { floatOf, intOf, producersOf, toFloats, transposed } from "../graph/graph.js";
import type { Tensor } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import type { Shapes } from "./shapes.js";

/** The classifier: logits = W·features + b. */
export interface Head {
	/** The tensor that the classifier reads: d values a frame, in whatever shape. */
	readonly features: string;
	/** d */
	readonly width: number;
	/** Name of the constant that holds the weight. */
	readonly weight: string;
	/** W [C,d] */
	readonly matrix: Float32Array;
	readonly classes: number;
}

/** Operators that only give a tensor another shape. */
const RESHAPING = ["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity"];

/**
 * Finds the linear classifier at the end, a matrix product or a convolution of one pixel.
 * @throws {Mistake} when there is something else
 */
export function findHead({ graph, logits }: Opened, shapes: Shapes): Head {
	const producers = producersOf(graph);
	let last = producers.get(logits);
	while (last && RESHAPING.includes(last.op)) last = producers.get(last.inputs[0]);
	const product =
		last?.op === "Add" ? last.inputs.map((name) => producers.get(name)).find((node) => node?.op === "MatMul") : last;
	const [features, weight] = product?.inputs ?? [];
	const constant = graph.constants.get(weight);
	const elements = (dims: readonly number[]) => dims.reduce((count, length) => count * length, 1);
	const classes = elements(shapes(logits));
	const width = elements(shapes(features));
	const refuse = () => new Mistake(`expected a linear classifier at the end, found ${last?.op ?? "nothing"}`);
	if (product === undefined || constant === undefined || elements(constant.dims) !== classes * width) throw refuse();
	const matrix = (tensor: Tensor, turned: boolean) =>
		turned ? transposed(toFloats(tensor), width, classes) : toFloats(tensor);
	const head = { features, width, weight, classes };
	if (product.op === "Conv" && intOf(product, "group", 1) === 1) return { ...head, matrix: matrix(constant, false) };
	if (product.op === "MatMul" && constant.dims.length === 2) return { ...head, matrix: matrix(constant, true) };
	const plain = intOf(product, "transA", 0) === 0 && floatOf(product, "alpha", 1) === 1;
	if (product.op !== "Gemm" || !plain) throw refuse();
	return { ...head, matrix: matrix(constant, intOf(product, "transB", 0) === 0) };
}
