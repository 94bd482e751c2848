import { Mistake } from "../../mistake.js";
import { consumersOf, intOf, intsOf } from "../graph/graph.js";
import type { Node } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import type { Shapes } from "./shapes.js";

/** The first convolution, whose output is [N,channels,height,width]. */
export interface Stem {
	readonly output: string;
	readonly weight: string;
	readonly bias?: string;
	readonly padded: boolean;
	readonly channels: number;
	readonly height: number;
	readonly width: number;
}

/**
 * Finds the convolution that reads the image.
 * @throws {Mistake} when something else does
 */
export function findStem({ graph, image }: Opened, shapes: Shapes): Stem {
	const [first, ...others] =
		consumersOf(graph)
			.get(image)
			?.filter(({ op }) => op !== "Shape") ?? [];
	if (first?.op !== "Conv" || others.length > 0) {
		const found =
			others.length > 0 ? `${1 + others.length}: ${[first, ...others].map(({ op }) => op).join(", ")}` : first?.op;
		throw new Mistake(`expected a convolution as the only reader of the image, found ${found ?? "nothing"}`);
	}
	const [output] = first.outputs;
	const [, weight, bias] = first.inputs;
	if (!graph.constants.has(weight) || (bias && !graph.constants.has(bias)) || intOf(first, "group", 1) !== 1) {
		throw new Mistake("expected a first convolution with constant weights and one group");
	}
	if (shapes(output).length !== 4) throw new Mistake(`expected a first convolution in two dimensions`);
	const [, channels, height, width] = shapes(output);
	return { output, weight, ...(bias ? { bias } : {}), padded: isPadded(first), channels, height, width };
}

const isPadded = (node: Node) =>
	(intsOf(node, "pads") ?? []).some((pad) => pad !== 0) ||
	node.attributes.some(
		({ name, s }) => name === "auto_pad" && s && !["NOTSET", "VALID"].includes(Buffer.from(s).toString()),
	);
