import type { Site } from "../../../operators/types.js";
import { Mistake } from "../../mistake.js";
import { toFloats } from "../graph/graph.js";
import type { Graph } from "../graph/onnx.js";
import type { Parts } from "./find.js";

/**
 * Where the model can be adapted, the stem's own site first, then every LayerNorm in graph order.
 * @param chosen names of the sites that the zeroth-order step perturbs, `*` standing for anything; without it all norms
 * but those of the first block, of the last quarter of the blocks, and the final one
 * @throws {Mistake} when a name fits no site
 */
export function planSites(parts: Parts, chosen?: readonly string[]): Site[] {
	const { stem, norms, blocks, tokens } = parts;
	const firstKept = blocks - Math.floor(blocks / 4);
	const places = [
		{ name: "stem", kind: "stem" as const, channels: stem.channels, positions: stem.height * stem.width, usual: false },
		...norms.map(({ name, channels, block }) => ({
			name,
			kind: "norm" as const,
			channels,
			positions: tokens.count,
			usual: block !== undefined && block >= 1 && block < firstKept,
		})),
	];
	const known = places.map(({ name }) => name);
	const unknown = chosen?.find((pattern) => !known.some(matches(pattern)));
	if (unknown !== undefined) throw new Mistake(`no site is called ${unknown}; this model has ${known.join(", ")}`);
	let offset = 0;
	return places.map(({ usual, ...place }) => {
		const site = {
			...place,
			offset,
			perturbed: chosen ? chosen.some((pattern) => matches(pattern)(place.name)) : usual,
		};
		offset += 2 * place.channels;
		return site;
	});
}

/** θ0 [P]: the scales and biases that the model came with; the stem's are 1 and 0. */
export function sourceAffine(graph: Graph, parts: Parts, sites: readonly Site[]): Float32Array {
	const affine = new Float32Array(sites.reduce((sum, { channels }) => sum + 2 * channels, 0));
	for (const { name, offset, channels } of sites) {
		const norm = parts.norms.find((candidate) => candidate.name === name);
		const value = (tensor: string) =>
			toFloats(graph.constants.get(tensor) as NonNullable<ReturnType<typeof graph.constants.get>>);
		affine.set(norm ? value(norm.scale) : new Float32Array(channels).fill(1), offset);
		if (norm?.bias) affine.set(value(norm.bias), offset + channels);
	}
	return affine;
}

const matches = (pattern: string) => {
	const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
	const expression = new RegExp(`^${parts.join(".*")}$`);
	return (name: string) => expression.test(name);
};
