import type { Site } from "../../../operators/types.js";
import { arranged, type Draft, edit, floats, int, integers } from "../graph/graph.js";
import type { Grids } from "../graph/grid.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { batchNormOf, convolutionBefore, foldInto, withFoldedNorms } from "../open/batchNorm.js";
import type { Opened } from "../open/open.js";
import { type Image, type Normalization, readBytes } from "./image.js";
import {
	countOf,
	type Gathered,
	type Grating,
	gratingOfMap,
	gratingOfStem,
	gratingOfTap,
	gratingOfTokens,
	momentsOf,
	picked,
	type Thinned,
	thinned,
} from "./moments.js";
import { withPads } from "./pads.js";
import type { Parts, Reading } from "./parts.js";
import type { Place } from "./place.js";

/**
 * Where BatchNorm's mean and variance come from: training's running average or, as published, the batch itself. The stem's
 * norm is part of the stem and keeps its running ones.
 */
export type Statistics = "running" | "batch";

/** A map with an affine for each channel behind it, as Mul and Add, for `quantize` to take into a convolution. */
export interface OpenedMap {
	/** What the convolution makes. */
	readonly raw: string;
	/** The same thinned out, for moments to be taken of; every step-th row and column. */
	readonly thinned: string;
	readonly step: number;
	/** Behind the affine. */
	readonly output: string;
	readonly channels: number;
	/** Where in `affine` its scale starts; its bias follows. */
	readonly offset: number;
}

/** One site's slices of the input, [channels] each. */
export interface Affine {
	readonly scale: string;
	readonly bias: string;
}

/** A model that takes bytes and parameters and returns what learning looks at; still float. */
export interface Exposed {
	readonly graph: Graph;
	readonly image: Image;
	readonly maps: readonly OpenedMap[];
	/** What of them is put together for moments to be taken of. */
	readonly gathered: readonly Gathered[];
	/** How it was quantized before, where it was. */
	readonly grids: Grids;
}

/**
 * Makes bytes and `affine` the inputs of the model, and what learning looks at its outputs:
 * pixels uint8 [N,3,H,W] in planes G, B, R and affine [P] in; logits [N,C], features [N,d], taps [N,F], stem [N,2,E] and
 * sites [N,2,S] out.
 */
export function expose(
	opened: Opened,
	parts: Parts,
	sites: readonly Site[],
	normalization: Normalization,
	statistics: Statistics,
): Exposed {
	const places = sites.map(({ name }) => parts.places.find((place) => place.name === name));
	const isOpened = (output: string) => places.some((place) => place?.output === output);
	const own =
		statistics === "batch" ? parts.places.filter(({ kind, output }) => kind === "batchnorm" && !isOpened(output)) : [];
	const isOwn = (name: string) => own.some(({ output }) => output === name);
	const folded = withFoldedNorms(opened.graph, (output) => !isOpened(output) && !isOwn(output));
	const graph = withPads(folded, parts.shapes);
	const plain = { ...opened, graph };
	return exposed(plain, (draft) => {
		const image = readBytes(draft, plain, parts.stem, normalization);
		const affine = splitAffine(draft, sites);
		const openings = sites.map((site, i): Opening => {
			const place = places[i];
			if (place?.kind === "norm") return openNorm(draft, place, affine[i]);
			if (place) return openMap(draft, graph, place, site, affine[i], statistics);
			return openStem(draft, parts, affine[i]);
		});
		for (const place of own) leaveClosed(draft, graph, place);
		const { moments, gathered } = momentsOf(draft, openings);
		const { head, tokens } = parts;
		draft.output("logits", flat(draft, opened.logits, head.classes), ElementType.float32, ["N", head.classes]);
		draft.output("features", flat(draft, head.features, head.width), ElementType.float32, ["N", head.width]);
		const width = parts.taps.reduce((sum, { shape, axis }) => sum + shape[axis], 0);
		const readings = parts.taps.map((reading) => read(draft, reading));
		draft.output("taps", join(draft, readings, 1), ElementType.float32, ["N", width]);
		// Of a convolutional network it is the stem's own output, before its affine.
		const isMap = tokens.tensor === parts.stem.output;
		const columns = draft.constant("columns", integers(Array.from({ length: sites[0].channels }, (_, i) => i)));
		const stem = isMap
			? draft.add("Gather", [moments, columns], int("axis", 2))
			: momentsOf(draft, [patchTokens(draft, parts)]).moments;
		draft.output("stem", stem, ElementType.float32, ["N", 2, tokens.shape[tokens.axis]]);
		const channels = sites.reduce((sum, site) => sum + site.channels, 0);
		draft.output("sites", moments, ElementType.float32, ["N", 2, channels]);
		return { image, gathered, maps: openings.flatMap(({ map }) => map ?? []) };
	});
}

/** The same model without parameters to set and without anything to learn from: what opening it costs is measured by this. */
export function closed(opened: Opened, parts: Parts, normalization: Normalization): Exposed {
	const plain = { ...opened, graph: withPads(withFoldedNorms(opened.graph), parts.shapes) };
	return exposed(plain, (draft) => {
		const image = readBytes(draft, plain, parts.stem, normalization);
		const { classes } = parts.head;
		draft.output("logits", flat(draft, opened.logits, classes), ElementType.float32, ["N", classes]);
		return { image, maps: [], gathered: [] };
	});
}

type Found = Pick<Exposed, "image" | "maps" | "gathered">;

function exposed(opened: Opened, change: (draft: Draft) => Found): Exposed {
	let found: Found | undefined;
	const graph = edit(opened.graph, (draft) => {
		draft.inputs = [];
		draft.outputs = [];
		found = change(draft);
	});
	const { image, maps, gathered } = found as Found;
	return { graph: arranged(graph), image, maps, gathered, grids: new Map([...opened.grids, ...image.grids]) };
}

/** One input for all parameters, cut into scale and bias of each site. */
function splitAffine(draft: Draft, sites: readonly Site[]): Affine[] {
	const lengths = sites.flatMap(({ channels }) => [channels, channels]);
	draft.inputs.push({ name: "affine", type: ElementType.float32, dims: [lengths.reduce((a, b) => a + b)] });
	const cut = draft.constant("lengths", integers(lengths));
	const slices = draft.addMany("Split", ["affine", cut], lengths.length, int("axis", 0));
	return sites.map((_, i) => ({ scale: slices[2 * i], bias: slices[2 * i + 1] }));
}

/** A site with its affine an input. */
interface Opening extends Thinned {
	readonly map?: OpenedMap;
}

/** Makes a LayerNorm's scale and bias inputs; moments are taken of some positions, normalized again without either. */
function openNorm(draft: Draft, { output, shape, axis }: Place, { scale, bias }: Affine): Opening {
	let input = "";
	draft.replace(output, (node) => {
		[input] = node.inputs;
		return { ...node, inputs: [input, scale, bias] };
	});
	const tokens = shape.length === 3;
	const grating = tokens ? gratingOfTokens(shape[1]) : gratingOfMap(shape[1], shape[2]);
	const tensor = tokens ? picked(draft, input, grating, 1, shape[1]) : thinned(draft, input, grating, [1, 2]);
	const normalize = draft.nodes.find(({ outputs }) => outputs.includes(output))?.attributes ?? [];
	return {
		tensor,
		axis,
		normalize,
		shape: shape.map((length, i) => (i === 0 || i === axis ? length : countOf(grating, length))),
	};
}

function openStem(draft: Draft, { stem }: Parts, affine: Affine): Opening {
	const raw = draft.intercept(stem.output);
	const { channels, height, width, output } = stem;
	return applied(
		draft,
		{ raw, output, channels, offset: 0 },
		[1, channels, height, width],
		gratingOfStem(height, width),
		affine,
	);
}

/** Makes the scale and bias of a BatchNorm inputs, or gives a convolution some. */
function openMap(
	draft: Draft,
	graph: Graph,
	{ output, shape, kind }: Place,
	{ offset }: Site,
	affine: Affine,
	statistics: Statistics,
): Opening {
	const raw = draft.intercept(output);
	if (kind === "batchnorm") normalizeOnly(draft, graph, output, raw);
	const grating = gratingOfMap(shape[2], shape[3]);
	const isOwn = kind === "batchnorm" && statistics === "batch";
	if (!isOwn) return applied(draft, { raw, output, channels: shape[1], offset }, shape, grating, affine);
	scaleAndShift(draft, ownStatistics(draft, graph, raw, output), output, shape[1], affine);
	return thinnedMap(draft, raw, shape, grating);
}

/** A BatchNorm that goes by the batch's moments, its scale and bias as they were. */
function leaveClosed(draft: Draft, graph: Graph, { output, shape, scale = "", bias = "" }: Place): void {
	const raw = draft.intercept(output);
	normalizeOnly(draft, graph, output, raw);
	scaleAndShift(draft, ownStatistics(draft, graph, raw, output), output, shape[1], { scale, bias });
}

/** Leaves of the BatchNorm that made `output` what normalizes; within the convolution before it, where there is one. */
function normalizeOnly(draft: Draft, graph: Graph, output: string, raw: string): void {
	const node = graph.nodes.find(({ outputs }) => outputs.includes(output)) as Graph["nodes"][number];
	const { mean, deviation } = batchNormOf(graph, node);
	const [ones, zeros] = [1, 0].map((value) => new Float32Array(mean.length).fill(value));
	const conv = convolutionBefore(graph, node);
	if (conv) {
		draft.remove(raw);
		foldInto(draft, conv, raw, { gain: deviation.map((d) => 1 / d), offset: mean, shift: zeros });
		return;
	}
	const constants = [ones, zeros].map((values) => draft.constant("plain", floats([values.length], values)));
	draft.replace(raw, ({ inputs, ...rest }) => ({ ...rest, inputs: [inputs[0], ...constants, ...inputs.slice(3)] }));
}

/** Normalizes by the batch's own moments what the running ones have normalized already; epsilon is scaled to match. */
function ownStatistics(draft: Draft, graph: Graph, raw: string, output: string): string {
	const node = graph.nodes.find(({ outputs }) => outputs.includes(output)) as Graph["nodes"][number];
	const { deviation, epsilon } = batchNormOf(graph, node);
	const column = [1, deviation.length, 1, 1];
	const stability = draft.constant(
		"epsilon",
		floats(
			column,
			deviation.map((d) => epsilon / (d * d)),
		),
	);
	const centred = draft.add("Sub", [raw, draft.reduce("ReduceMean", raw, [0, 2, 3])]);
	const variance = draft.reduce("ReduceMean", draft.add("Mul", [centred, centred]), [0, 2, 3]);
	return draft.add("Div", [centred, draft.add("Sqrt", [draft.add("Add", [variance, stability])])]);
}

function applied(
	draft: Draft,
	map: Omit<OpenedMap, "thinned" | "step">,
	shape: readonly number[],
	grating: Grating,
	affine: Affine,
): Opening {
	scaleAndShift(draft, map.raw, map.output, map.channels, affine);
	const some = thinnedMap(draft, map.raw, shape, grating);
	return { ...some, map: { ...map, step: grating.step, thinned: some.tensor } };
}

function thinnedMap(
	draft: Draft,
	raw: string,
	[frames, channels, ...lengths]: readonly number[],
	grating: Grating,
): Thinned {
	const tensor = thinned(draft, raw, grating, [2, 3]);
	return { tensor, axis: 1, shape: [frames, channels, ...lengths.map((length) => countOf(grating, length))] };
}

function scaleAndShift(draft: Draft, input: string, output: string, channels: number, { scale, bias }: Affine): void {
	const column = draft.constant("column", integers([1, channels, 1, 1]));
	const scaled = draft.add("Mul", [input, draft.add("Reshape", [scale, column])]);
	draft.make(output, "Add", [scaled, draft.add("Reshape", [bias, column])]);
}

/** The patch tokens, those before the first patch left out. */
function patchTokens(draft: Draft, { tokens: { tensor, shape, axis, skip } }: Parts): Thinned {
	return { tensor: thinned(draft, tensor, { start: skip, step: 1 }, [1]), shape, axis };
}

/** One number for each channel of a tensor [N,channels]. */
function read(draft: Draft, { tensor, shape, axis, take }: Reading): string {
	if (take === "first") {
		return draft.add("Gather", [tensor, draft.constant("first", integers([0], []))], int("axis", 1));
	}
	const axes = shape.flatMap((_, i) => (i === 0 || i === axis ? [] : [i]));
	if (axes.length === 0) return flat(draft, tensor, shape[axis]);
	const grating = gratingOfTap(Math.min(...axes.map((i) => shape[i])));
	const some = axes.length === 2 ? thinned(draft, tensor, grating, axes) : tensor;
	return flat(draft, draft.reduce("ReduceMean", some, axes), shape[axis]);
}

/** The tensor as [N,width]. */
const flat = (draft: Draft, tensor: string, width: number) =>
	draft.add("Reshape", [tensor, draft.constant("shape", integers([-1, width]))]);

const join = (draft: Draft, tensors: readonly string[], axis: number) =>
	tensors.length === 1 ? tensors[0] : draft.add("Concat", tensors, int("axis", axis));
