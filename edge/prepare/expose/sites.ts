import type { Site } from "../../../operators/types.js";
import { Mistake } from "../../mistake.js";
import { toFloats } from "../graph/graph.js";
import type { Graph, Tensor } from "../graph/onnx.js";
import { countOf, type Grating, gratingOfMap, gratingOfStem, gratingOfTokens } from "./moments.js";
import type { Parts } from "./parts.js";

/**
 * Where the model can be adapted, the stem's own site first, then norms or convolutions in graph order.
 * @param chosen names of the sites that the zeroth-order step perturbs, `*` standing for anything; without it the
 * published choice. What is usually left closed is opened by being chosen
 * @throws {Mistake} when a name fits no site
 */
export function planSites({ stem, places }: Parts, chosen?: readonly string[]): Site[] {
	const positions = (grating: Grating, lengths: readonly number[]) =>
		lengths.reduce((count, length) => count * countOf(grating, length), 1);
	const all = [
		{
			name: "stem",
			kind: "stem" as const,
			channels: stem.channels,
			positions: positions(gratingOfStem(stem.height, stem.width), [stem.height, stem.width]),
			usual: "aligned" as const,
		},
		...places.map(({ name, kind, shape, axis, usual }) => {
			const lengths = shape.filter((_, i) => i !== 0 && i !== axis);
			const grating = lengths.length === 1 ? gratingOfTokens(lengths[0]) : gratingOfMap(lengths[0], lengths[1]);
			return { name, kind, channels: shape[axis], positions: positions(grating, lengths), usual };
		}),
	];
	const known = all.map(({ name }) => name);
	const unknown = chosen?.find((pattern) => !known.some(matches(pattern)));
	if (unknown !== undefined) throw new Mistake(`no site is called ${unknown}; this model has ${known.join(", ")}`);
	const isChosen = (name: string) => chosen?.some((pattern) => matches(pattern)(name)) ?? false;
	const opened = all.filter(({ name, usual }) => usual !== "closed" || isChosen(name));
	let offset = 0;
	return opened.map(({ usual, ...place }) => {
		const perturbed = chosen ? isChosen(place.name) : usual === "perturbed";
		const site = { ...place, offset, perturbed };
		offset += 2 * place.channels;
		return site;
	});
}

/** θ0 [P]: the scales and biases that the model came with; 1 and 0 for the stem and for convolutions. */
export function sourceAffine(graph: Graph, { places }: Parts, sites: readonly Site[]): Float32Array {
	const affine = new Float32Array(sites.reduce((sum, { channels }) => sum + 2 * channels, 0));
	for (const { name, offset, channels } of sites) {
		const place = places.find((candidate) => candidate.name === name);
		const value = (tensor: string) => toFloats(graph.constants.get(tensor) as Tensor);
		affine.set(place?.scale ? value(place.scale) : new Float32Array(channels).fill(1), offset);
		if (place?.bias) affine.set(value(place.bias), offset + channels);
	}
	return affine;
}

const matches = (pattern: string) => {
	const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
	const expression = new RegExp(`^${parts.join(".*")}$`);
	return (name: string) => expression.test(name);
};
