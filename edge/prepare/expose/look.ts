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
	// Where sites are put together one after the other, nothing is needed but what begins with the stem's.
	for (let node = producers.get(tensor); node; node = producers.get(tensor)) {
		if (node.op !== "Identity" && !(node.op === "Concat" && intOf(node, "axis", 0) === CHANNELS)) break;
		[tensor] = node.inputs;
	}
	return edit(graph, (draft) => {
		draft.inputs = draft.inputs.filter(({ name }) => name === "pixels");
		draft.outputs = [];
		const columns = draft.constant("columns", integers(Array.from({ length: channels }, (_, i) => i)));
		const own = draft.add("Gather", [tensor, columns], int("axis", CHANNELS));
		draft.output("look", own, ElementType.float32, ["N", 2, channels]);
	});
};
