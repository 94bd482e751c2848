import { edit, int, integers, intOf, producersOf } from "../graph/graph.js";
import { ElementType, type Graph } from "../graph/onnx.js";

/** The axis of channels in `sites` [N,2,S]. */
const CHANNELS = 2;

/**
 * A prepared graph up to its stem: `pixels` in, and out `look` [N,2,E], the stem's raw moments before its affine, which is
 * what the model's own output `sites` has in its first columns.
 */
export const lookOf = (graph: Graph, channels: number): Graph => {
	const producers = producersOf(graph);
	let tensor = "sites";
	// Back through what puts sites together, one after the other, and in order: the stem is first in each.
	for (let node = producers.get(tensor); node; node = producers.get(tensor)) {
		const isPutting = ["Concat", "Gather"].includes(node.op) && intOf(node, "axis", 0) === CHANNELS;
		if (node.op !== "Identity" && !isPutting) break;
		[tensor] = node.inputs;
	}
	const look = edit(graph, (draft) => {
		draft.inputs = draft.inputs.filter(({ name }) => name === "pixels");
		draft.outputs = [];
		const columns = draft.constant("columns", integers(Array.from({ length: channels }, (_, i) => i)));
		const own = draft.add("Gather", [tensor, columns], int("axis", CHANNELS));
		draft.output("look", own, ElementType.float32, ["N", 2, channels]);
	});
	if (look.nodes.some(({ inputs }) => inputs.includes("affine"))) throw new Error("the stem depends on the affine");
	return look;
};
