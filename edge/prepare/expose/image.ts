import { type Draft, floats, int, toFloats } from "../graph/graph.js";
import type { Grid, Grids } from "../graph/grid.js";
import { ElementType, type Tensor } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import { oneAfterOther } from "../open/preprocessing.js";
import type { Stem } from "./stem.js";

/** What the float model expects of a channel: (pixel / 255 − mean) / std. In the order R, G, B. */
export interface Normalization {
	readonly mean: readonly [number, number, number];
	readonly std: readonly [number, number, number];
}

/** Which of the model's channels (R, G, B) each plane of ffmpeg's gbrp carries. */
export const PLANES = [1, 2, 0] as const;

/** What the first convolution reads of the bytes. */
export interface Image {
	readonly tensor: string;
	/** What has been taken off the bytes of each plane; absent where they were also scaled. */
	readonly levels?: readonly number[];
	/** The quantization that the model brought for its image and its first weights. */
	readonly grids: Grids;
}

/**
 * Lets the first convolution read bytes in planes G, B, R. Their order goes into its weights, and so do scale and mean,
 * unless these weights are integers already: then the arithmetic stays at the top of the graph.
 */
export function readBytes(draft: Draft, opened: Opened, stem: Stem, outside: Normalization): Image {
	const { image, size } = opened;
	const normalization = oneAfterOther(outside, opened.inside);
	draft.inputs.push({ name: "pixels", type: ElementType.uint8, dims: ["N", 3, size.height, size.width] });
	const input = draft.add("Cast", ["pixels"], int("to", ElementType.float32));
	const grid = opened.grids.get(image);
	const found = grid
		? scaled(draft, input, opened, stem, normalization, grid)
		: folded(draft, input, opened, stem, normalization);
	// What is left are readers of the image's shape.
	draft.redirect(image, "pixels");
	return found;
}

/** Scale and mean in the weights; of a padded convolution the mean comes off before, since padding is 0 behind it. */
function folded(draft: Draft, input: string, { graph }: Opened, stem: Stem, { mean, std }: Normalization): Image {
	const weight = graph.constants.get(stem.weight) as Tensor;
	const source = toFloats(weight);
	const area = source.length / (weight.dims[0] * 3);
	const bias = Float64Array.from(
		stem.bias ? toFloats(graph.constants.get(stem.bias) as Tensor) : new Float32Array(weight.dims[0]),
	);
	const values = inPlanes(source, area, (value, channel) => value / std[channel] / 255);
	if (!stem.padded) {
		for (const [i, value] of source.entries()) {
			const channel = Math.floor(i / area) % 3;
			bias[Math.floor(i / area / 3)] -= (value / std[channel]) * mean[channel];
		}
	}
	const levels = PLANES.map((channel) => (stem.padded ? 255 * mean[channel] : 0));
	const tensor = levels.every((level) => level === 0)
		? input
		: draft.add("Sub", [input, draft.constant("mean", floats([1, 3, 1, 1], levels))]);
	const constants = [
		draft.constant("stem.weight", floats(weight.dims, values)),
		draft.constant("stem.bias", floats([weight.dims[0]], bias)),
	];
	draft.replace(stem.output, (node) => ({ ...node, inputs: [tensor, ...constants] }));
	return { tensor, levels, grids: new Map() };
}

/** Scale and mean by themselves; the weights only change the order of their planes. */
function scaled(
	draft: Draft,
	input: string,
	{ graph, grids }: Opened,
	stem: Stem,
	{ mean, std }: Normalization,
	grid: Grid,
): Image {
	const planes = (of: (channel: number) => number) => floats([1, 3, 1, 1], PLANES.map(of));
	const level = draft.constant(
		"mean",
		planes((channel) => mean[channel]),
	);
	const spread = draft.constant(
		"std",
		planes((channel) => std[channel]),
	);
	// Step by step as users' programs do it: where a byte lies between two integers, the last bit decides which it becomes.
	const share = draft.add("Div", [input, draft.constant("white", floats([], [255]))]);
	const tensor = draft.add("Div", [draft.add("Sub", [share, level]), spread]);
	const weight = graph.constants.get(stem.weight) as Tensor;
	const source = toFloats(weight);
	const turned = floats(
		weight.dims,
		inPlanes(source, source.length / (weight.dims[0] * 3), (value) => value),
	);
	const name = draft.constant("stem.weight", turned);
	draft.replace(stem.output, (node) => ({ ...node, inputs: [tensor, name, ...node.inputs.slice(2)] }));
	const own = grids.get(stem.weight);
	return { tensor, grids: new Map([[tensor, grid] as const, ...(own ? [[name, own] as const] : [])]) };
}

/** A first convolution's weights [out,3,…] with the planes of bytes in the place of R, G, B. */
const inPlanes = (source: Float32Array, area: number, change: (value: number, channel: number) => number) =>
	source.map((_, i) => {
		const [output, plane, place] = [Math.floor(i / area / 3), Math.floor(i / area) % 3, i % area];
		const channel = PLANES[plane];
		return change(source[(output * 3 + channel) * area + place], channel);
	});
