import { Mistake } from "../../mistake.js";
import { type Draft, floatOf, floats, intOf, intsOf, wholeNumbers } from "../graph/graph.js";
import type { Grid } from "../graph/grid.js";
import { ElementType, type Graph, type Node, type Tensor } from "../graph/onnx.js";
import { biasGrid, readGrid, roundTo, sameGrid, toWhole, transposed, valuesOf } from "./quantized.constants.js";
import { gridOfReaders } from "./quantized.inputs.js";
import {
	describeQOperator,
	movesBytes,
	type Operand,
	OWN_ATTRIBUTES,
	type QOperator,
	quantizing,
} from "./quantized.operators.js";
import { Signs } from "./quantized.rectified.js";

const QUANTIZING_WHILE_RUNNING = /^(Dynamic\w+|ConvInteger|MatMulInteger|MatMulIntegerToFloat)$/;

/** A float tensor and the grid that it is on. */
interface OnGrid {
	readonly name: string;
	readonly grid: Grid;
}

/** Goes through the nodes in order, and adds to the draft what each is in float. */
export class Walk {
	/** What bytes stand for. */
	private readonly bytes = new Map<string, OnGrid>();
	/** For what DequantizeLinear made, the tensor that is in its place. */
	private readonly same = new Map<string, string>();
	private readonly signs: Signs;

	/** @param grids gets every grid, by the name of the float tensor */
	constructor(
		private readonly source: Graph,
		private readonly draft: Draft,
		private readonly grids: Map<string, Grid>,
	) {
		this.signs = new Signs(draft);
		draft.inputs = source.inputs.map((input) => {
			if (input.type !== ElementType.uint8 && input.type !== ElementType.int8) return input;
			const grid = gridOfReaders(source, input.name, input.type);
			if (grid === undefined) return input;
			this.record(input.name, { name: input.name, grid });
			return { ...input, type: ElementType.float32 };
		});
	}

	take(node: Node): void {
		const described = describeQOperator(node);
		if (QUANTIZING_WHILE_RUNNING.test(node.op)) {
			throw new Mistake(`quantizes while it runs (${node.op}); expected static quantization`);
		}
		if (node.op === "QuantizeLinear") this.quantize(node);
		else if (node.op === "DequantizeLinear") this.dequantize(node);
		else if (described !== undefined) this.calculate(node, described);
		else if (node.inputs.some((input) => this.bytes.has(input))) this.move(node);
		else if (!this.turnsConstant(node))
			this.signs.add({ ...node, inputs: node.inputs.map((name) => this.float(name)) });
	}

	finish(): void {
		this.draft.outputs = this.source.outputs.map((output) => {
			const float = this.float(output.name);
			if (float !== output.name) this.draft.make(output.name, "Identity", [float]);
			return this.bytes.has(output.name) ? { ...output, type: ElementType.float32 } : output;
		});
	}

	private quantize(node: Node): void {
		const [output] = node.outputs;
		const input = this.float(node.inputs[0]);
		const constant = this.draft.constants.get(input);
		const type = intOf(node, "output_dtype", 0) || ElementType.uint8;
		const grid = this.gridOf(node, quantizing(node), type, constant?.dims);
		if (constant !== undefined) {
			const whole = wholeNumbers(constant.dims, roundTo(grid, constant));
			this.record(output, this.constant(output, whole, grid));
			return;
		}
		const name = this.signs.behindRelu(input, grid, output);
		const before = this.grids.get(name);
		if (before === undefined || sameGrid(before, grid)) {
			this.record(output, { name, grid });
			return;
		}
		this.signs.add({ op: "Identity", domain: "", inputs: [name], outputs: [output], attributes: [] });
		this.record(output, { name: output, grid });
	}

	private dequantize(node: Node): void {
		if (intOf(node, "block_size", 0) > 0) {
			throw new Mistake(`quantizes ${node.inputs[0]} in blocks; expected one step, or one for each channel`);
		}
		const [output] = node.outputs;
		this.same.set(output, this.read(node, quantizing(node), output).name);
	}

	/** A QOperator becomes what it calculates in float. */
	private calculate(node: Node, { op, operands, bias = -1, result }: QOperator): void {
		const read = operands.map((operand) => this.read(node, operand));
		const inputs = read.map(({ name }) => name);
		if (node.inputs[bias]) {
			const tensor = this.source.constants.get(node.inputs[bias]);
			if (tensor?.type !== ElementType.int32) {
				throw new Mistake(`adds ${node.inputs[bias]} in ${node.op}; expected a constant bias of int32`);
			}
			const grid = biasGrid(read[0].grid, read[1].grid, floatOf(node, "alpha", 1), tensor.dims);
			inputs.push(this.constant(this.draft.fresh(`${node.inputs[bias]}.float`), tensor, grid).name);
		}
		const [output] = node.outputs;
		const attributes = node.attributes.filter(({ name }) => !OWN_ATTRIBUTES.includes(name));
		const float = { ...node, op, domain: "", inputs, attributes };
		if (!node.inputs[result.step]) {
			this.signs.add(float);
			return;
		}
		const grid = this.gridOf(node, { at: -1, ...result, axis: 0 }, ElementType[read[0].grid.type]);
		if (this.signs.hidesRelu(float, grid)) {
			const plain = this.draft.fresh(`${output}.plain`);
			this.signs.add({ ...float, outputs: [plain] });
			this.signs.behindRelu(plain, grid, output);
		} else this.signs.add(float);
		this.record(output, { name: output, grid });
	}

	/** What hands on bytes hands on what they stand for. Constants beside them are bytes on the same grid. */
	private move(node: Node): void {
		const [{ grid }, ...others] = node.inputs.flatMap((input) => this.bytes.get(input) ?? []);
		const onlyMeasures = node.op === "Shape" || node.op === "Size";
		if (!onlyMeasures && !movesBytes(node)) {
			throw new Mistake(`calculates with quantized bytes in ${node.op}; expected float operators or QLinear ones`);
		}
		if (others.some((other) => !sameGrid(other.grid, grid))) {
			throw new Mistake(`puts bytes of different quantization steps together in ${node.op} ${node.outputs[0]}`);
		}
		const inputs = node.inputs.map((input) => {
			const tensor = this.source.constants.get(input);
			if (tensor?.type !== ElementType[grid.type]) return this.float(input);
			return this.constant(this.draft.fresh(`${input}.float`), tensor, grid).name;
		});
		const zeroByte = () => this.draft.constant("limit", floats([], [-grid.zeros[0] * grid.steps[0]]));
		if (node.op === "Pad" && !inputs[2]) inputs[2] = zeroByte();
		const isShifted = node.op === "Relu" && grid.zeros[0] !== 0;
		this.signs.add(isShifted ? { ...node, op: "Clip", inputs: [...inputs, zeroByte()] } : { ...node, inputs });
		if (onlyMeasures) return;
		// What MaxPool and Dropout make besides is no bytes.
		for (const output of node.op === "Split" ? node.outputs : node.outputs.slice(0, 1)) {
			this.record(output, { name: output, grid });
		}
	}

	/** A weight that is turned takes its grid along; left to be computed, it would lose it. */
	private turnsConstant(node: Node): boolean {
		const [output] = node.outputs;
		const name = this.float(node.inputs[0] ?? "");
		const [tensor, grid] = [this.draft.constants.get(name), this.grids.get(name)];
		if (node.op !== "Transpose" || tensor === undefined || grid === undefined) return false;
		const turned = transposed(tensor, grid, intsOf(node, "perm") ?? [...tensor.dims.keys()].reverse());
		this.draft.constants.set(output, turned.tensor);
		this.grids.set(output, turned.grid);
		return true;
	}

	/** An operand in float: the tensor in front of its bytes, or a constant, which gets this name. */
	private read(node: Node, operand: Operand, name = ""): OnGrid {
		const tensor = node.inputs[operand.at];
		const constant = this.source.constants.get(tensor);
		if (constant !== undefined) {
			const grid = this.gridOf(node, operand, constant.type, constant.dims);
			return this.constant(name || this.draft.fresh(`${tensor}.float`), constant, grid);
		}
		const bytes = this.bytes.get(tensor);
		if (bytes === undefined) throw new Mistake(`reads ${tensor} as quantized bytes in ${node.op}, and it is none`);
		const dims = this.draft.constants.get(bytes.name)?.dims;
		const grid = this.gridOf(node, operand, ElementType[bytes.grid.type], dims);
		if (sameGrid(bytes.grid, grid)) return bytes;
		throw new Mistake(`reads the bytes of ${tensor} with another quantization step or zero point than they have`);
	}

	private gridOf(node: Node, { at, step, zero, axis }: Operand, type: number, dims?: Tensor["dims"]): Grid {
		const tensor = node.inputs[at] ?? node.outputs[0];
		return readGrid(this.source, { tensor, step: node.inputs[step], zero: node.inputs[zero] ?? "", type, axis, dims });
	}

	/** Adds a constant: what integers stand for. */
	private constant(name: string, tensor: Tensor, grid: Grid): OnGrid {
		const values = valuesOf(tensor, grid);
		const whole = toWhole(tensor);
		this.draft.constants.set(name, values);
		if (roundTo(grid, values).every((value, i) => value === whole[i])) this.grids.set(name, grid);
		return { name, grid };
	}

	private record(bytes: string, float: OnGrid): void {
		this.bytes.set(bytes, float);
		if (this.draft.constants.has(float.name)) return;
		this.grids.set(float.name, float.grid);
		this.signs.note(float.name, float.grid);
	}

	/** The float tensor that is in the place of one of the source's. */
	private float(name: string): string {
		return this.bytes.get(name)?.name ?? this.same.get(name) ?? name;
	}
}
