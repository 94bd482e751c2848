import { edit } from "../graph/graph.js";
import type { Grid, Grids } from "../graph/grid.js";
import type { Graph } from "../graph/onnx.js";
import { channelsFirst } from "./channelsFirst.js";
import { Walk } from "./quantized.walk.js";

export interface Dequantized {
	readonly graph: Graph;
	readonly grids: Grids;
}

/**
 * The float model that a quantized one stands for, and how it was quantized: QuantizeLinear and DequantizeLinear are gone,
 * operators on bytes have become those on floats, constants are what their integers stand for. An input or output of bytes
 * becomes float32. A ReLU that was left out because no byte stands for less than zero is there again.
 *
 * Every tensor that was bytes has its grid under its name, which is the one before QuantizeLinear. Other nodes may read it
 * as well, unrounded. A bias too large for its integers to come back from float32 has none.
 * @throws {Mistake} when it is quantized in a way that is not handled; the sentence lacks the path
 */
export function dequantized(graph: Graph): Dequantized {
	const source = channelsFirst(graph);
	const grids = new Map<string, Grid>();
	const result = edit(source, (draft) => {
		draft.nodes = [];
		const walk = new Walk(source, draft, grids);
		for (const node of source.nodes) walk.take(node);
		walk.finish();
	});
	const domains = new Set(result.nodes.map(({ domain }) => domain));
	const opsets = result.opsets.filter(({ domain }) => domain === "" || domain === "ai.onnx" || domains.has(domain));
	const names = new Set([
		...result.constants.keys(),
		...result.inputs.map(({ name }) => name),
		...result.nodes.flatMap(({ outputs }) => outputs),
	]);
	return { graph: { ...result, opsets }, grids: new Map([...grids].filter(([name]) => names.has(name))) };
}
