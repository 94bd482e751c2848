import { Mistake } from "../../mistake.js";
import type { Normalization } from "../expose/image.js";
import { consumersOf, edit } from "../graph/graph.js";
import type { Grids } from "../graph/grid.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { readModel } from "../graph/read.js";
import { shown } from "../graph/sentence.js";
import { withFoldedNorms } from "./batchNorm.js";
import { foldConstants } from "./fold.js";
import { freeBatch, requireIndependentFrames } from "./frames.js";
import { withLayerNorms } from "./layerNorm.js";
import { withChannelsFirst, withFixedPads, withoutNormalization, withPaddingInside } from "./preprocessing.js";
import { dequantized } from "./quantized.js";
import { withLogits, withOpset17, withoutIdentities, withoutNames, withoutSoftmax } from "./tidy.js";

/** Height and width in pixels. */
export interface Size {
	readonly height: number;
	readonly width: number;
}

/** A model in float operators that runs on batches of any size: image [N,3,H,W] in planes R, G, B in, logits [N,C] out. */
export interface Opened {
	readonly graph: Graph;
	/** Name of the graph's only input. */
	readonly image: string;
	/** Name of the graph's only output, what stands before a closing Softmax. */
	readonly logits: string;
	readonly size: Size;
	/** How it came quantized; empty for a float model. */
	readonly grids: Grids;
	/** What `original` does to its image first, as `graph` expects to have been done to its own; absent where nothing. */
	readonly inside?: Normalization;
	/** The model as it came, for comparison: one input, one output, on one frame at a time at least. */
	readonly original: Graph;
}

/** What a prepared model calls its inputs and outputs. */
const RESERVED = ["pixels", "affine", "logits", "features", "taps", "stem", "sites"];

/** ONNX's numbers for the floats that are not float32. */
const OTHER_FLOATS: Readonly<Record<number, string>> = { 10: "float16", 11: "float64", 16: "bfloat16" };

/**
 * Reads an ONNX model, float or quantized, and brings it into the form that the next steps expect.
 * @param asked input size that the user wants
 * @param usual input size that holds where neither model nor user says one
 * @throws {Mistake} when it is not one that can be prepared
 */
export async function openModel(path: string, asked?: Size, usual?: Size): Promise<Opened> {
	const read = await readModel(path);
	try {
		return await normalForm(read, asked, usual);
	} catch (error) {
		throw error instanceof Mistake ? new Mistake(`${path}: ${error.message}`, { cause: error.cause }) : error;
	}
}

async function normalForm(read: Graph, asked?: Size, usual?: Size): Promise<Opened> {
	requireFloat32(read);
	const named = withoutNames(withOpset17(withLogits(read)), RESERVED);
	const original = withChannelsFirst(edit(withoutSoftmax(withoutIdentities(named)), () => {}));
	const { graph: float, grids: own } = dequantized(await foldConstants(original));
	const { graph, grids, inside } = withoutNormalization(withLayerNorms(await foldConstants(float)), own);
	const foreign = graph.nodes.find(({ domain }) => domain !== "");
	if (foreign)
		refuse(`uses the operator ${foreign.domain}.${foreign.op}; expected a plain ONNX export, not an optimized one`);
	requireFloat32(graph);
	const [image, ...others] = graph.inputs;
	if (!image || others.length > 0) refuse(`expected one input, the image; found ${graph.inputs.length}`);
	const [batch, channels, height, width] = image.dims;
	if (
		image.type !== ElementType.float32 ||
		image.dims.length !== 4 ||
		(channels !== 3 && typeof channels === "number")
	) {
		const hint = image.type === ElementType.uint8 ? ", what makes floats of bytes left out of the model" : "";
		refuse(`its input ${shown(image.name)} is ${describe(image)}; expected float32 [N,3,H,W]${hint}`);
	}
	const size = chooseSize(height, width, asked, usual);
	const free = typeof batch === "string" ? graph : freeBatch(graph, batch);
	const padded = withPaddingInside(await withFixedPads(free, size));
	const [logits] = graph.outputs;
	const opened = { image: image.name, logits: logits.name, size };
	const fixed = edit(withFoldedStem(padded, image.name), (draft) => {
		draft.inputs = [{ ...image, dims: ["N", 3, size.height, size.width] }];
		draft.outputs = [{ name: logits.name, type: ElementType.float32, dims: [] }];
	});
	await requireIndependentFrames({ ...opened, graph: fixed });
	return { ...opened, graph: fixed, grids: forKernels(grids, fixed), ...(inside && { inside }), original };
}

/** The first convolution's norm belongs to the stem, whose affine is 1 and 0 behind it. */
function withFoldedStem(graph: Graph, image: string): Graph {
	const consumers = consumersOf(graph);
	const [stem] = consumers.get(image) ?? [];
	const [norm] = consumers.get(stem?.outputs[0] ?? "") ?? [];
	return withFoldedNorms(graph, (output) => output === norm?.outputs[0]);
}

/**
 * The same values by other integers: ONNX Runtime's kernels are made for uint8 activations and int8 weights. With others
 * they are slower, or there are none.
 */
const forKernels = (grids: Grids, { constants }: Graph): Grids =>
	new Map(
		[...grids].map(([name, grid]) => {
			const type = constants.has(name) ? "int8" : "uint8";
			if (grid.type === "int32" || grid.type === type) return [name, grid];
			const offset = type === "int8" ? -128 : 128;
			const zeros = grid.zeros.map((zero) => zero + offset);
			return [name, { ...grid, type, zeros, lowest: grid.lowest + offset, highest: grid.highest + offset }];
		}),
	);

function requireFloat32({ constants }: Graph): void {
	const narrow = [...constants].find(([, { type }]) => type in OTHER_FLOATS);
	if (narrow) refuse(`holds ${OTHER_FLOATS[narrow[1].type]} weights (${shown(narrow[0])}); expected a float32 model`);
}

const refuse = (what: string): never => {
	throw new Mistake(what);
};

/** Pixels of a side, at most: 200 MB of float32 for one image. */
const LONGEST = 4096;

function chooseSize(height: number | string, width: number | string, asked?: Size, usual?: Size): Size {
	const wrong =
		asked &&
		((typeof height === "number" && height !== asked.height) || (typeof width === "number" && width !== asked.width));
	if (wrong) {
		throw new Mistake(
			`its input is ${height}x${width} (height x width); --size ${asked.height}x${asked.width} does not fit it`,
		);
	}
	const fixed = typeof height === "number" && typeof width === "number" ? { height, width } : undefined;
	const size = asked ?? fixed ?? usual;
	if (!size) throw new Mistake("leaves its input size open; say which with --size HxW");
	if (size.height > LONGEST || size.width > LONGEST) {
		throw new Mistake(`its input is ${size.height}x${size.width}; expected at most ${LONGEST} pixels a side`);
	}
	return size;
}

const describe = (value: { type: number; dims: readonly (number | string)[] }) =>
	`${Object.entries(ElementType).find(([, type]) => type === value.type)?.[0] ?? `type ${value.type}`} [${value.dims}]`;
