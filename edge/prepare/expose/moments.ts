import { type Draft, floats, int, integers, ints } from "../graph/graph.js";
import type { Attribute } from "../graph/onnx.js";

/**
 * Every how manieth position moments are taken over, in each direction: some dozens of positions say as much of a map as
 * thousands, since neighbours are alike, and 64 frames are put together. Measured on a ResNet-18's maps: what this costs
 * a convolution falls from 100 to 2–12 %.
 */
export interface Grating {
	readonly start: number;
	readonly step: number;
}

/** For the rows and columns of a map: three to a side. It starts at the edge, as a convolution with a longer stride does. */
export const gratingOfMap = (height: number, width: number): Grating => ({
	start: 0,
	step: Math.ceil(Math.min(height, width) / 3),
});

/** For the stem, which domains are told apart by: more of them. */
export const gratingOfStem = (height: number, width: number): Grating => ({
	start: 0,
	step: Math.ceil(Math.min(height, width) / 8),
});

/**
 * For the mean of a stage's maps, which the loss looks at: of large ones eight to a side. Of a MobileNet v2's maps in full
 * it took a fifth of the time of everything.
 */
export const gratingOfTap = (side: number): Grating => ({ start: 0, step: side > 16 ? Math.ceil(side / 8) : 1 });

/** For tokens in a row, about eight: by a step that has no divisor in common with a square's width, or they would be columns. */
export const gratingOfTokens = (count: number): Grating => {
	const width = Math.round(Math.sqrt(count));
	let step = Math.ceil(count / 8);
	while (divisor(step, width) > 1) step++;
	return { start: Math.floor(step / 2), step };
};

/** The greatest one that both have. */
const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Positions that a grating leaves of `length`. */
export const countOf = ({ start, step }: Grating, length: number): number => Math.ceil((length - start) / step);

/** Some positions along one axis; where whole rows lie together this is faster than a Slice. */
export function picked(draft: Draft, tensor: string, grating: Grating, axis: number, length: number): string {
	const places = Array.from({ length: countOf(grating, length) }, (_, i) => grating.start + i * grating.step);
	return draft.add("Gather", [tensor, draft.constant("places", integers(places))], int("axis", axis));
}

/** Every step-th position along the axes. */
export function thinned(draft: Draft, tensor: string, { start, step }: Grating, axes: readonly number[]): string {
	if (start === 0 && step === 1) return tensor;
	const all = (value: number) => draft.constant("slice", integers(axes.map(() => value)));
	return draft.add("Slice", [
		tensor,
		all(start),
		all(Number.MAX_SAFE_INTEGER),
		draft.constant("axes", integers(axes)),
		all(step),
	]);
}

/** A tensor that moments are taken of: every position of it, for each channel along `axis`. */
export interface Thinned {
	readonly tensor: string;
	/** Its shape for one frame. */
	readonly shape: readonly number[];
	readonly axis: number;
	/** The attributes of the LayerNormalization that it has yet to go through, without scale and bias. */
	readonly normalize?: readonly Attribute[];
}

/** Several of them with the same positions, channel after channel in one tensor. */
export interface Gathered {
	readonly tensors: readonly string[];
	readonly together: string;
	readonly axis: number;
}

/**
 * Per frame mean, then mean square of each channel [N,2,channels], tensor after tensor. Those of the same positions are put
 * together first: a node costs as much time as its work on tensors this small.
 */
export function momentsOf(
	draft: Draft,
	parts: readonly Thinned[],
): { readonly moments: string; readonly gathered: readonly Gathered[] } {
	const groups = new Map<string, number[]>();
	for (const [i, { shape, axis, normalize }] of parts.entries()) {
		// Of norms those of one width go through one normalization, frame after frame; maps stand channel after channel.
		const positions = shape.map((length, k) => (k === axis && !normalize ? "C" : length));
		const key = JSON.stringify([axis, positions, normalize?.map(({ name, f, i }) => [name, f, Number(i)])]);
		groups.set(key, [...(groups.get(key) ?? []), i]);
	}
	const gathered: Gathered[] = [];
	const found = [...groups.values()].map((members) => {
		const { axis, shape, normalize } = parts[members[0]];
		if (normalize)
			return normalizedMoments(
				draft,
				members.map((i) => parts[i]),
				normalize,
			);
		const tensors = members.map((i) => parts[i].tensor);
		const together = tensors.length === 1 ? tensors[0] : draft.add("Concat", tensors, int("axis", axis));
		if (tensors.length > 1) gathered.push({ tensors, together, axis });
		const channels = members.reduce((sum, i) => sum + parts[i].shape[axis], 0);
		// Positions in a row, which also keeps ONNX Runtime from dequantizing once for each reader.
		const rows =
			axis === 1 ? draft.add("Reshape", [together, draft.constant("rows", integers([0, channels, -1]))]) : together;
		const axes = axis === 1 ? [2] : shape.flatMap((_, i) => (i === 0 || i === axis ? [] : [i]));
		const row = (means: string) => draft.add("Reshape", [means, draft.constant("row", integers([0, 1, -1]))]);
		// Mul and ReduceMean take about half the time of ReduceSumSquare, which ONNX Runtime does not vectorize.
		const squares = draft.add("Mul", [rows, rows]);
		const both = [rows, squares].map((tensor) => row(draft.reduce("ReduceMean", tensor, axes)));
		return draft.add("Concat", both, int("axis", 1));
	});
	const all = found.length === 1 ? found[0] : draft.add("Concat", found, int("axis", 2));
	const order = orderOf([...groups.values()].flat(), (i) => parts[i].shape[parts[i].axis]);
	const isSorted = order.every((column, i) => column === i);
	const moments = isSorted ? all : draft.add("Gather", [all, draft.constant("order", integers(order))], int("axis", 2));
	return { moments, gathered };
}

/** Moments [N,2,channels] of tensors of one shape, normalized over their last axis all at once. */
function normalizedMoments(draft: Draft, parts: readonly Thinned[], normalize: readonly Attribute[]): string {
	const { shape, axis } = parts[0];
	const tensors = parts.map(({ tensor }) => tensor);
	const width = shape[axis];
	const shapeOf = (...lengths: number[]) => draft.constant("shape", integers(lengths));
	const rows = tensors.length === 1 ? tensors[0] : draft.add("Concat", tensors, int("axis", 0));
	const ones = draft.constant("ones", floats([width], Array(width).fill(1)));
	const normal = draft.add("LayerNormalization", [rows, ones], ...normalize);
	const axes = shape.flatMap((_, i) => (i === 0 || i === axis ? [] : [i]));
	const both = [normal, draft.add("Mul", [normal, normal])].map((tensor) => {
		const means = draft.add("Reshape", [draft.reduce("ReduceMean", tensor, axes), shapeOf(tensors.length, -1, width)]);
		const byFrame = draft.add("Transpose", [means], ints("perm", 1, 0, 2));
		return draft.add("Reshape", [byFrame, shapeOf(0, 1, -1)]);
	});
	return draft.add("Concat", both, int("axis", 1));
}

/** For each column of the parts in their order, where it stands when they were taken in the order of `members`. */
function orderOf(members: readonly number[], width: (part: number) => number): number[] {
	let offset = 0;
	const starts = members.map((part) => {
		const start = offset;
		offset += width(part);
		return { part, start };
	});
	return starts
		.sort((a, b) => a.part - b.part)
		.flatMap(({ part, start }) => Array.from({ length: width(part) }, (_, i) => start + i));
}
