import { consumersOf, intOf, producersOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import type { Head } from "./head.js";
import type { Parts } from "./parts.js";
import type { Place } from "./place.js";
import type { Shapes } from "./shapes.js";
import type { Stem } from "./stem.js";

/**
 * The parts of a convolutional network. Its places are its BatchNorms; where they were folded into the convolutions,
 * the convolutions' outputs. Those of vectors (squeeze and excitation, the classifier) are left alone, and so is the
 * stem's own, which is the stem's.
 */
export function findConvolutional(
	{ graph }: Opened,
	shapes: Shapes,
	stem: Stem,
	head: Head,
): Omit<Parts, "stem" | "head" | "shapes"> {
	const consumers = consumersOf(graph);
	const isMap = (tensor: string) => shapes(tensor).length === 4 && shapes(tensor)[2] * shapes(tensor)[3] > 1;
	const behindStem = (node: Node) => node.inputs[0] === stem.output || node.outputs[0] === stem.output;
	const ofKind = (op: string) =>
		graph.nodes.filter((node) => node.op === op && isMap(node.outputs[0]) && !behindStem(node));
	const norms = ofKind("BatchNormalization");
	const nodes = norms.length > 0 ? norms : ofKind("Conv").filter(({ inputs }) => inputs[1] !== head.weight);
	const stages = stagesOf(graph, shapes, stem);
	const sums = sumsBefore(graph, shapes);
	const counts = new Map<number, number>();
	const producers = producersOf(graph);
	const places = nodes.map((node): Place => {
		const {
			op,
			inputs,
			outputs: [output],
		} = node;
		const stage = stages.findIndex(({ size }) => size === sizeOf(shapes(output)));
		const index = counts.get(stage) ?? 0;
		counts.set(stage, index + 1);
		const isNorm = op === "BatchNormalization";
		return {
			name: `stages.${stage}.${isNorm ? "norm" : "conv"}${index}`,
			kind: isNorm ? "batchnorm" : "conv",
			output,
			shape: shapes(output),
			axis: 1,
			...(isNorm ? { scale: inputs[1], bias: inputs[2] } : {}),
			usual: usualOf({
				isGrouped: intOf((isNorm ? producers.get(inputs[0]) : node) ?? node, "group", 1) > 1,
				isSummed: (consumers.get(output) ?? []).some(({ op }) => op === "Add"),
				isFirst: sums.total > 0 ? sums.before(output) === 0 : index + stage === 0,
				isLast: stage === stages.length - 1,
			}),
		};
	});
	return {
		family: `a convolutional network of ${stages.length} ${stages.length === 1 ? "stage" : "stages"}${norms.length > 0 ? " with BatchNorms" : ""}`,
		places,
		tokens: { tensor: stem.output, shape: shapes(stem.output), axis: 1, skip: 0 },
		taps: stages.map(({ tensor }) => ({ tensor, shape: shapes(tensor), axis: 1, take: "mean" as const })),
	};
}

/**
 * As published, neither the first block nor the last stage is perturbed, nor what goes straight into a sum. That is not
 * opened either: each opened convolution costs time, and what follows the sum can be aligned instead. Nor are grouped
 * convolutions: with a bias that is no constant ONNX Runtime has no fast kernel for them, and a MobileNet takes twice the
 * time; the convolutions between them stay open.
 */
const usualOf = (at: { isGrouped: boolean; isSummed: boolean; isFirst: boolean; isLast: boolean }): Place["usual"] => {
	if (at.isGrouped || at.isSummed) return "closed";
	return at.isFirst || at.isLast ? "aligned" : "perturbed";
};

const sizeOf = ([, , height, width]: readonly number[]) => `${height}x${width}`;

/**
 * The stages, one for each size of the maps that convolutions behind the stem make, and the tensor that leaves each: the
 * first of its size that something of another size is made of, or the last.
 */
function stagesOf(graph: Graph, shapes: Shapes, stem: Stem): { size: string; tensor: string }[] {
	const consumers = consumersOf(graph);
	const producers = producersOf(graph);
	const isMap = (tensor: string) => shapes(tensor).length === 4 && shapes(tensor)[2] * shapes(tensor)[3] > 1;
	const own = graph.nodes.filter(
		({ op, outputs: [output] }) => op === "Conv" && isMap(output) && output !== stem.output,
	);
	const sizes = [...new Set(own.map(({ outputs }) => sizeOf(shapes(outputs[0]))))];
	return sizes.map((size) => {
		const maps = graph.nodes
			.flatMap(({ outputs }) => outputs.slice(0, 1))
			.filter((tensor) => isMap(tensor) && sizeOf(shapes(tensor)) === size);
		// What the stage hands on has gone through a nonlinearity or a sum; a convolution's own output is not it yet.
		const whole = maps.filter((tensor) => !["Conv", "BatchNormalization"].includes(producers.get(tensor)?.op ?? ""));
		const leaves = (tensor: string) =>
			(consumers.get(tensor) ?? []).some(({ outputs: [output] }) => isMap(output) && sizeOf(shapes(output)) !== size);
		return { size, tensor: whole.find(leaves) ?? maps.find(leaves) ?? whole.at(-1) ?? (maps.at(-1) as string) };
	});
}

/** How many residual sums lie before a tensor, and how many there are. */
function sumsBefore(graph: Graph, shapes: Shapes) {
	const counts = new Map<string, number>();
	for (const { op, inputs, outputs } of graph.nodes) {
		const isSum = op === "Add" && inputs.every((name) => !graph.constants.has(name) && shapes(name).length === 4);
		const most = Math.max(0, ...inputs.map((name) => counts.get(name) ?? 0));
		for (const output of outputs) counts.set(output, most + (isSum ? 1 : 0));
	}
	return { before: (tensor: string) => counts.get(tensor) ?? 0, total: Math.max(0, ...counts.values()) };
}
