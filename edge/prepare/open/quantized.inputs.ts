import { consumersOf } from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import type { Graph } from "../graph/onnx.js";
import { readGrid } from "./quantized.constants.js";
import { describeQOperator, movesBytes, quantizing } from "./quantized.operators.js";

/** What an input of bytes stands for, as those know who read it; undefined where nobody does. */
export function gridOfReaders(source: Graph, input: string, type: number): Grid | undefined {
	const consumers = consumersOf(source);
	const tensors = [input];
	for (const tensor of tensors) {
		for (const node of consumers.get(tensor) ?? []) {
			const operands = node.op === "DequantizeLinear" ? [quantizing(node)] : (describeQOperator(node)?.operands ?? []);
			const operand = operands.find(({ at }) => node.inputs[at] === tensor);
			if (operand !== undefined) {
				const [step, zero = ""] = [node.inputs[operand.step], node.inputs[operand.zero]];
				return readGrid(source, { tensor, step, zero, type, axis: 0, dims: undefined });
			}
			if (movesBytes(node)) tensors.push(node.outputs[0]);
		}
	}
	return undefined;
}
