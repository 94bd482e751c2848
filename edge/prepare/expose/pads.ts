import { edit, ints, intsOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import type { Shapes } from "./shapes.js";

/**
 * Writes as numbers how much each convolution pads. One that pads by itself (`auto_pad`) would do so in another way as
 * soon as it takes longer strides, and look at other places than before.
 */
export const withPads = (graph: Graph, shapes: Shapes): Graph =>
	edit(graph, (draft) => {
		for (const node of graph.nodes) {
			const way = wayOf(node);
			if (node.op !== "Conv" || way === undefined) continue;
			const [, , ...lengths] = shapes(node.inputs[0]);
			const kernel = intsOf(node, "kernel_shape") ?? graph.constants.get(node.inputs[1])?.dims.slice(2) ?? [];
			const pads = lengths.map((length, i) => {
				if (way === "VALID") return [0, 0];
				const [stride, dilation] = ["strides", "dilations"].map((name) => intsOf(node, name)?.[i] ?? 1);
				const reach = (Math.ceil(length / stride) - 1) * stride + (kernel[i] - 1) * dilation + 1;
				const all = Math.max(0, reach - length);
				const less = Math.floor(all / 2);
				return way === "SAME_UPPER" ? [less, all - less] : [all - less, less];
			});
			const attributes = node.attributes.filter(({ name }) => name !== "auto_pad" && name !== "pads");
			const numbers = ints("pads", ...pads.map(([before]) => before), ...pads.map(([, behind]) => behind));
			draft.replace(node.outputs[0], () => ({ ...node, attributes: [...attributes, numbers] }));
		}
	});

/** How a node pads by itself; undefined where numbers say how much. */
function wayOf({ attributes }: Node): string | undefined {
	const text = attributes.find(({ name }) => name === "auto_pad")?.s;
	const way = text === undefined ? "" : Buffer.from(text).toString();
	return way === "" || way === "NOTSET" ? undefined : way;
}
