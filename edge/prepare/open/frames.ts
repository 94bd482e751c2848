import { Mistake } from "../../mistake.js";
import { edit, int, integers, toIntegers } from "../graph/graph.js";
import { ElementType, type Graph, type Tensor } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import type { Opened } from "./open.js";

/**
 * A model that mixes frames, or is bound to one, shows here and not in the field.
 * @throws {Mistake} when it is, or does not run at all
 */
export async function requireIndependentFrames({
	graph,
	image,
	logits,
	size,
}: Omit<Opened, "original" | "grids" | "inside">): Promise<void> {
	const area = 3 * size.height * size.width;
	const pair = Float32Array.from({ length: 2 * area }, (_, i) => Math.sin(i * 0.37 + i * i * 1e-5));
	const run = async (data: Float32Array, frames: number) => {
		const dims = [frames, 3, size.height, size.width];
		const outputs = await evaluate(graph, { [image]: { data, dims } }).catch((cause) => {
			const what = `does not run on ${frames === 1 ? "a frame" : "two frames"} of ${size.height}x${size.width}`;
			const hint = frames === 1 ? "is that its input size?" : "export it with a dynamic batch axis";
			throw new Mistake(`${what}; ${hint}`, { cause });
		});
		const found = outputs[logits];
		const [first, ...rest] = found.dims;
		if (first === frames && rest.length > 0 && rest[0] > 1 && rest.slice(1).every((length) => length === 1))
			return found.data as Float32Array;
		const of = frames === 1 ? "a frame" : `${frames} frames`;
		throw new Mistake(
			`its output for ${of} is [${found.dims}]; expected a classifier's logits, [${frames},C] for C classes, two at least`,
		);
	};
	const alone = [...(await run(pair.subarray(0, area), 1)), ...(await run(pair.subarray(area), 1))];
	const together = await run(pair, 2);
	if (together.every((value, i) => Math.abs(value - alone[i]) <= 1e-3 * (1 + Math.abs(value)))) return;
	throw new Mistake(
		"gives a frame other logits alone than in a batch; expected frames that do not influence each other",
	);
}

/**
 * Frees a model from the batch it was exported for. An export for one frame carries the 1 in the shapes it reshapes to and
 * in its class token.
 * @throws {Mistake} when it was exported for several
 */
export function freeBatch(graph: Graph, batch: number): Graph {
	if (batch !== 1) {
		throw new Mistake(`takes exactly ${batch} frames at a time; expected a dynamic batch axis, or one frame`);
	}
	return edit(graph, (draft) => {
		for (const { op, inputs, outputs } of graph.nodes) {
			const shape = op === "Reshape" ? graph.constants.get(inputs[1]) : undefined;
			if (shape && isShape(shape) && toIntegers(shape)[0] === 1) {
				const [, ...rest] = toIntegers(shape);
				// Only one length may be left open, and it is the batch that must be.
				if (!rest.includes(-1)) {
					const name = draft.constant(`${inputs[1]}.free`, integers([-1, ...rest]));
					draft.replace(outputs[0], (node) => ({ ...node, inputs: [inputs[0], name] }));
				}
			}
			const token = op === "Concat" ? inputs.find((name) => graph.constants.get(name)?.dims[0] === 1) : undefined;
			const other = inputs.find((name) => !graph.constants.has(name));
			if (token !== undefined && other !== undefined && graph.constants.get(token)?.dims.length === 3) {
				const from = draft.constant("from", integers([0]));
				const to = draft.constant("to", integers([1]));
				const ones = draft.constant("ones", integers([1, 1]));
				const length = draft.add("Slice", [draft.add("Shape", [other]), from, to]);
				const shape = draft.add("Concat", [length, ones], int("axis", 0));
				const expanded = draft.add("Expand", [token, shape]);
				draft.replace(outputs[0], (node) => ({ ...node, inputs: inputs.map((n) => (n === token ? expanded : n)) }));
			}
		}
	});
}

const isShape = ({ type, dims }: Tensor) => type === ElementType.int64 && dims.length === 1;
