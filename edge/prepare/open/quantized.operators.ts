/** What is known of operators that read or make integers: the QOperator form, and those that only move bytes about. */

import { intOf } from "../graph/graph.js";
import type { Node } from "../graph/onnx.js";

/** Where, among a node's inputs, integers stand with their step and zero. */
export interface Operand {
	readonly at: number;
	readonly step: number;
	readonly zero: number;
	/** Where the channels are, if it has several steps. */
	readonly axis: number;
}

/** A QOperator, told as the float operator it computes. */
export interface QOperator {
	readonly op: string;
	/** In the float operator's order. */
	readonly operands: readonly Operand[];
	/** Input with int32, in steps of the operands' product. */
	readonly bias?: number;
	/** Step and zero of what it makes. */
	readonly result: Pick<Operand, "step" | "zero">;
}

const operand = (at: number, axis = 1): Operand => ({ at, step: at + 1, zero: at + 2, axis });

/** QuantizeLinear and DequantizeLinear name their inputs alike. */
export const quantizing = (node: Node): Operand => ({ at: 0, step: 1, zero: 2, axis: intOf(node, "axis", 1) });

const unary = (op: string) => (): QOperator => ({ op, operands: [operand(0)], result: { step: 3, zero: 4 } });

const binary =
	(op: string, axis = 1) =>
	(): QOperator => ({ op, operands: [operand(0), operand(3, axis)], result: { step: 6, zero: 7 } });

const DESCRIPTIONS: Readonly<Record<string, (node: Node) => QOperator>> = {
	QLinearConv: () => ({ ...binary("Conv", 0)(), bias: 8 }),
	QLinearMatMul: binary("MatMul", -1),
	QLinearAdd: binary("Add"),
	QLinearMul: binary("Mul"),
	QGemm: (node) => ({
		op: "Gemm",
		operands: [operand(0), operand(3, intOf(node, "transB", 0) === 1 ? 0 : 1)],
		bias: 6,
		result: { step: 7, zero: 8 },
	}),
	QLinearGlobalAveragePool: unary("GlobalAveragePool"),
	QLinearAveragePool: unary("AveragePool"),
	QLinearLeakyRelu: unary("LeakyRelu"),
	QLinearSigmoid: unary("Sigmoid"),
	QLinearSoftmax: unary("Softmax"),
	QLinearConcat: ({ inputs }) => ({
		op: "Concat",
		operands: Array.from({ length: (inputs.length - 2) / 3 }, (_, i) => operand(2 + 3 * i)),
		result: { step: 0, zero: 1 },
	}),
};

/** Attributes that the float operators do not have. */
export const OWN_ATTRIBUTES = ["channels_last", "opset"];

export const describeQOperator = (node: Node): QOperator | undefined => DESCRIPTIONS[node.op]?.(node);

/** What hands on the bytes it reads, in the same steps. */
const MOVING = [
	...["MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Slice", "Split"],
	...["Gather", "Expand", "Tile", "DepthToSpace", "SpaceToDepth", "Concat", "Clip", "Relu", "Pad"],
];
export const movesBytes = ({ op, domain }: Node) => domain === "" && MOVING.includes(op);

const NEVER_NEGATIVE = ["Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs", "Exp", "Sqrt"];
/** What makes nothing negative out of nothing negative. */
const KEEPING_SIGN = [...MOVING, "Add", "Mul", "Div", "AveragePool", "GlobalAveragePool", "ReduceMean", "Resize"];

/** Whether what a node makes is never below zero. `known`: whether that is known of a tensor it reads. */
export function isNeverNegative(node: Node, known: (name: string) => boolean): boolean {
	const [input, other] = node.inputs;
	if (NEVER_NEGATIVE.includes(node.op) || (node.op === "Mul" && input === other)) return true;
	if (node.op === "Clip" && node.inputs[1]) return known(node.inputs[1]);
	if (["Add", "Mul", "Div", "Concat"].includes(node.op)) return node.inputs.every(known);
	if (node.op === "Pad") return known(node.inputs[0]) && (!node.inputs[2] || known(node.inputs[2]));
	return KEEPING_SIGN.includes(node.op) && known(node.inputs[0]);
}

const ARITHMETIC = ["Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Sub", "Mul", "BatchNormalization"];

/** Whether a ReLU may have stood behind the node. A square, say, is not negative for another reason. */
export const mayBeRectified = ({ op, inputs }: Node) =>
	(ARITHMETIC.includes(op) && inputs[0] !== inputs[1]) || KEEPING_SIGN.includes(op);
