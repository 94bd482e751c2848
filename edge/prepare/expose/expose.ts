import type { Site } from "../../../operators/types.js";
import { type Draft, edit, floats, int, integers, toFloats } from "../graph/graph.js";
import { ElementType, type Graph, type Tensor } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import { isTapped, type Norm, type Parts } from "./find.js";

/** What the float model expects of a channel: (pixel / 255 − mean) / std. In the order R, G, B. */
export interface Normalization {
	readonly mean: readonly [number, number, number];
	readonly std: readonly [number, number, number];
}

/** Which of the model's channels (R, G, B) each plane of ffmpeg's gbrp carries. */
export const PLANES = [1, 2, 0] as const;

/**
 * Makes bytes and `affine` the inputs of the model, and what learning looks at its outputs:
 * pixels uint8 [N,3,H,W] in planes G, B, R and affine [P] in; logits [N,C], features [N,d], taps [N,F], stem [N,2,E] and
 * sites [N,2,S] out.
 */
export function expose(opened: Opened, parts: Parts, sites: readonly Site[], normalization: Normalization): Graph {
	return edit(opened.graph, (draft) => {
		draft.inputs = [];
		draft.outputs = [];
		readBytes(draft, opened, parts, normalization);
		const affine = splitAffine(draft, sites);
		const moments = sites.map((site, i) => {
			const norm = parts.norms.find(({ name }) => name === site.name);
			return norm ? adaptNorm(draft, norm, affine[i]) : adaptStem(draft, parts, affine[i]);
		});
		const { head, tokens, norms } = parts;
		draft.output("logits", opened.logits, ElementType.float32, ["N", head.classes]);
		draft.output("features", head.features, ElementType.float32, ["N", head.width]);
		const tapped = norms.filter(isTapped);
		const taps = tapped.map(({ output }) => firstToken(draft, output));
		const width = tapped.reduce((sum, { channels }) => sum + channels, 0);
		draft.output("taps", join(draft, taps, 1), ElementType.float32, ["N", width]);
		const stem = momentsOver(draft, withoutFirstToken(draft, tokens.output), [1]);
		draft.output("stem", besides(draft, [stem]), ElementType.float32, ["N", 2, tokens.channels]);
		const channels = sites.reduce((sum, site) => sum + site.channels, 0);
		draft.output("sites", besides(draft, moments), ElementType.float32, ["N", 2, channels]);
	});
}

/** Mean and mean square over positions, each [N,1,channels]. */
interface Moments {
	readonly mean: string;
	readonly squares: string;
}

/** One site's slices of the input, [channels] each. */
interface Affine {
	readonly scale: string;
	readonly bias: string;
}

/** Lets the first convolution read bytes in planes G, B, R: order, scale and mean go into its weights. */
function readBytes(draft: Draft, { image, graph, size }: Opened, parts: Parts, { mean, std }: Normalization): void {
	const pixels = { name: "pixels", type: ElementType.uint8, dims: ["N", 3, size.height, size.width] };
	draft.inputs.push(pixels);
	const { stem } = parts;
	const weight = graph.constants.get(stem.weight) as Tensor;
	const source = toFloats(weight);
	const [outputs, , ...kernel] = weight.dims;
	const area = kernel.reduce((product, length) => product * length, 1);
	const bias = stem.bias
		? Float64Array.from(toFloats(graph.constants.get(stem.bias) as Tensor))
		: new Float64Array(outputs);
	const folded = new Float32Array(source.length);
	for (let output = 0; output < outputs; output++) {
		for (const [plane, channel] of PLANES.entries()) {
			for (let i = 0; i < area; i++) {
				const value = source[(output * 3 + channel) * area + i] / std[channel];
				folded[(output * 3 + plane) * area + i] = value / 255;
				if (!stem.padded) bias[output] -= value * mean[channel];
			}
		}
	}
	let input = draft.add("Cast", ["pixels"], int("to", ElementType.float32));
	if (stem.padded) {
		// Padding is zero after normalization, so the mean has to go before the convolution sees it.
		const level = PLANES.map((channel) => 255 * mean[channel]);
		input = draft.add("Sub", [input, draft.constant("mean", floats([1, 3, 1, 1], level))]);
	}
	const constants = [
		draft.constant("stem.weight", floats(weight.dims, folded)),
		draft.constant("stem.bias", floats([outputs], bias)),
	];
	draft.replace(stem.output, (node) => ({ ...node, inputs: [input, ...constants] }));
	// What is left are readers of the image's shape.
	draft.redirect(image, "pixels");
}

/** One input for all parameters, cut into scale and bias of each site. */
function splitAffine(draft: Draft, sites: readonly Site[]): Affine[] {
	const lengths = sites.flatMap(({ channels }) => [channels, channels]);
	draft.inputs.push({ name: "affine", type: ElementType.float32, dims: [lengths.reduce((a, b) => a + b)] });
	const cut = draft.constant("lengths", integers(lengths));
	const slices = draft.addMany("Split", ["affine", cut], lengths.length, int("axis", 0));
	return sites.map((_, i) => ({ scale: slices[2 * i], bias: slices[2 * i + 1] }));
}

/** Normalizes without an affine, so that moments can be taken, then applies the one that is an input. */
function adaptNorm(draft: Draft, norm: Norm, affine: Affine): Moments {
	const normalized = draft.intercept(norm.output);
	const ones = draft.constant("ones", floats([norm.channels], Array(norm.channels).fill(1)));
	draft.replace(normalized, (node) => ({ ...node, inputs: [norm.input, ones] }));
	draft.make(norm.output, "Add", [draft.add("Mul", [normalized, affine.scale]), affine.bias]);
	return momentsOver(draft, normalized, [1]);
}

/** Puts an affine for each channel behind the first convolution. */
function adaptStem(draft: Draft, { stem }: Parts, affine: Affine): Moments {
	const raw = draft.intercept(stem.output);
	const column = draft.constant("column", integers([1, stem.channels, 1, 1]));
	const scaled = draft.add("Mul", [raw, draft.add("Reshape", [affine.scale, column])]);
	draft.make(stem.output, "Add", [scaled, draft.add("Reshape", [affine.bias, column])]);
	const row = draft.constant("row", integers([-1, 1, stem.channels]));
	const inRow = (means: string) => draft.add("Reshape", [means, row]);
	const { mean, squares } = momentsOver(draft, raw, [2, 3]);
	return { mean: inRow(mean), squares: inRow(squares) };
}

// Mul and ReduceMean take about half the time of ReduceSumSquare, which ONNX Runtime does not vectorize.
const momentsOver = (draft: Draft, tensor: string, axes: readonly number[]): Moments => ({
	mean: draft.reduce("ReduceMean", tensor, axes),
	squares: draft.reduce("ReduceMean", draft.add("Mul", [tensor, tensor]), axes),
});

/** Puts moments side by side as [N,2,channels]: means, then mean squares. */
function besides(draft: Draft, moments: readonly Moments[]): string {
	const side = (part: keyof Moments) =>
		join(
			draft,
			moments.map((one) => one[part]),
			2,
		);
	return join(draft, [side("mean"), side("squares")], 1);
}

const firstToken = (draft: Draft, tokens: string) =>
	draft.add("Gather", [tokens, draft.constant("first", integers([0], []))], int("axis", 1));

const withoutFirstToken = (draft: Draft, tokens: string) => {
	const [from, to, axis] = [[1], [Number.MAX_SAFE_INTEGER], [1]].map((value) =>
		draft.constant("slice", integers(value)),
	);
	return draft.add("Slice", [tokens, from, to, axis]);
};

const join = (draft: Draft, tensors: readonly string[], axis: number) =>
	tensors.length === 1 ? tensors[0] : draft.add("Concat", tensors, int("axis", axis));
