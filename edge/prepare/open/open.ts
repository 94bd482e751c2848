import { readFile } from "node:fs/promises";
import { Mistake } from "../../mistake.js";
import { edit, int, integers, opsetOf, rename, toIntegers } from "../graph/graph.js";
import { decodeModel, ElementType, type Graph, type Node } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import { foldConstants } from "./fold.js";

/** Height and width in pixels. */
export interface Size {
	readonly height: number;
	readonly width: number;
}

/** A float model that runs on batches of any size: image [N,3,H,W] in planes R, G, B in, logits [N,C] out. */
export interface Opened {
	readonly graph: Graph;
	/** Name of the graph's only input. */
	readonly image: string;
	/** Name of the graph's only output, what stands before a closing Softmax. */
	readonly logits: string;
	readonly size: Size;
}

/** What a prepared model calls its inputs and outputs. */
const RESERVED = ["pixels", "affine", "logits", "features", "taps", "stem", "sites"];

/** ONNX's numbers for the floats that are not float32. */
const OTHER_FLOATS: Readonly<Record<number, string>> = { 10: "float16", 11: "float64", 16: "bfloat16" };

/**
 * Reads a float ONNX model and brings it into the form that the next steps expect.
 * @throws {Mistake} when it is not one that can be prepared
 */
export async function openModel(path: string, size?: Size): Promise<Opened> {
	const bytes = await readFile(path).catch((cause) => {
		throw new Mistake(`${path}: cannot be read (${cause.code ?? cause.message})`, { cause });
	});
	const refuse = (what: string): never => {
		throw new Mistake(`${path}: ${what}`);
	};
	const decoded = decodeModel(bytes, path);
	const foreign = decoded.nodes.find(({ domain }) => domain !== "");
	if (foreign)
		refuse(`uses the operator ${foreign.domain}.${foreign.op}; expected a plain ONNX export, not an optimized one`);
	if (decoded.nodes.some(({ op }) => op === "QuantizeLinear" || op === "DequantizeLinear")) {
		refuse("is quantized already; expected the float model");
	}
	if (opsetOf(decoded) < 17 || !decoded.nodes.some(({ op }) => op === "LayerNormalization")) {
		refuse(
			`no LayerNormalization found (opset ${opsetOf(decoded)}); expected a vision transformer exported with opset 17 or later`,
		);
	}
	const reserved = rename(decoded, (name) => (RESERVED.includes(name) ? `${name}.source` : name));
	const graph = await foldConstants(edit(withoutSoftmax(withoutIdentities(reserved)), () => {}));
	const narrow = [...graph.constants].find(([, { type }]) => type in OTHER_FLOATS);
	if (narrow) refuse(`holds ${OTHER_FLOATS[narrow[1].type]} weights (${narrow[0]}); expected a float32 model`);
	if (graph.inputs.length !== 1) refuse(`expected one input, the image; found ${graph.inputs.length}`);
	const [image] = graph.inputs;
	const [batch, channels, height, width] = image.dims;
	if (image.type !== ElementType.float32 || image.dims.length !== 4 || channels !== 3) {
		refuse(`input ${image.name} is ${describe(image)}; expected float32 [N,3,H,W]`);
	}
	const chosen = chooseSize(path, height, width, size);
	const opened = { image: image.name, logits: graph.outputs[0].name, size: chosen };
	const free = typeof batch === "string" ? graph : freeBatch(graph, batch, refuse);
	const fixed = edit(free, (draft) => {
		draft.inputs = [{ ...image, dims: ["N", 3, chosen.height, chosen.width] }];
		draft.outputs = [{ name: opened.logits, type: ElementType.float32, dims: [] }];
	});
	await requireIndependentFrames(path, { ...opened, graph: fixed });
	return { ...opened, graph: fixed };
}

/** A model that mixes frames, or is bound to one, shows here and not in the field. */
async function requireIndependentFrames(path: string, { graph, image, logits, size }: Opened): Promise<void> {
	const area = 3 * size.height * size.width;
	const pair = Float32Array.from({ length: 2 * area }, (_, i) => Math.sin(i * 0.37 + i * i * 1e-5));
	const run = async (data: Float32Array, frames: number) => {
		const dims = [frames, 3, size.height, size.width];
		const outputs = await evaluate(graph, { [image]: { data, dims } }).catch((cause) => {
			const what = `does not run on ${frames === 1 ? "a frame" : "two frames"} of ${size.height}x${size.width}`;
			const hint = frames === 1 ? "is that its input size?" : "export it with a dynamic batch axis";
			throw new Mistake(`${path}: ${what}; ${hint}`, { cause });
		});
		const found = outputs[logits];
		if (found.dims.length === 2 && found.dims[0] === frames) return found.data as Float32Array;
		throw new Mistake(`${path}: its output for ${frames} frames is [${found.dims}]; expected logits [N,C]`);
	};
	const alone = [...(await run(pair.subarray(0, area), 1)), ...(await run(pair.subarray(area), 1))];
	const together = await run(pair, 2);
	if (together.every((value, i) => Math.abs(value - alone[i]) <= 1e-3 * (1 + Math.abs(value)))) return;
	throw new Mistake(
		`${path}: gives a frame other logits alone than in a batch; expected frames that do not influence each other`,
	);
}

/** Leaves out what exporters leave behind: nodes that hand on what they read. */
function withoutIdentities(graph: Graph): Graph {
	const handsOn = (node: Node) => node.op === "Identity" || node.op === "Dropout";
	const sources = new Map(graph.nodes.filter(handsOn).map(({ inputs, outputs }) => [outputs[0], inputs[0]]));
	const sourceOf = (name: string): string => {
		const source = sources.get(name);
		return source === undefined ? name : sourceOf(source);
	};
	return {
		...graph,
		nodes: graph.nodes.filter((node) => !handsOn(node)).map((node) => ({ ...node, inputs: node.inputs.map(sourceOf) })),
		outputs: graph.outputs.map((output) => ({ ...output, name: sourceOf(output.name) })),
	};
}

/** Probabilities have lost what the logits' size says, so a closing Softmax is left out. */
function withoutSoftmax(graph: Graph): Graph {
	const logits = graph.outputs[0];
	const last = graph.nodes.find(({ outputs }) => outputs[0] === logits.name);
	const name = last?.op === "Softmax" ? last.inputs[0] : logits.name;
	return { ...graph, outputs: [{ name, type: 0, dims: [] }] };
}

function chooseSize(path: string, height: number | string, width: number | string, asked?: Size): Size {
	const wrong =
		asked &&
		((typeof height === "number" && height !== asked.height) || (typeof width === "number" && width !== asked.width));
	if (wrong) {
		throw new Mistake(
			`${path}: its input is ${height}x${width} (height x width); --size ${asked.height}x${asked.width} does not fit it`,
		);
	}
	if (asked) return asked;
	if (typeof height === "number" && typeof width === "number") return { height, width };
	throw new Mistake(`${path}: leaves its input size open; say which with --size HxW`);
}

/** An export for one frame carries the 1 in the shapes it reshapes to and in its class token. */
function freeBatch(graph: Graph, batch: number, refuse: (what: string) => never): Graph {
	if (batch !== 1) refuse(`takes exactly ${batch} frames at a time; expected a dynamic batch axis, or one frame`);
	return edit(graph, (draft) => {
		for (const { op, inputs, outputs } of graph.nodes) {
			const shape = op === "Reshape" ? graph.constants.get(inputs[1]) : undefined;
			if (shape && toIntegers(shape)[0] === 1) {
				const [, ...rest] = toIntegers(shape);
				// Only one length may be left open, and it is the batch that must be.
				if (!rest.includes(-1)) {
					const name = draft.constant(`${inputs[1]}.free`, integers([-1, ...rest]));
					draft.replace(outputs[0], (node) => ({ ...node, inputs: [inputs[0], name] }));
				}
			}
			const token = op === "Concat" ? inputs.find((name) => graph.constants.get(name)?.dims[0] === 1) : undefined;
			const other = inputs.find((name) => !graph.constants.has(name));
			if (token !== undefined && other !== undefined && graph.constants.get(token)?.dims.length === 3) {
				const from = draft.constant("from", integers([0]));
				const to = draft.constant("to", integers([1]));
				const ones = draft.constant("ones", integers([1, 1]));
				const length = draft.add("Slice", [draft.add("Shape", [other]), from, to]);
				const shape = draft.add("Concat", [length, ones], int("axis", 0));
				const expanded = draft.add("Expand", [token, shape]);
				draft.replace(outputs[0], (node) => ({ ...node, inputs: inputs.map((n) => (n === token ? expanded : n)) }));
			}
		}
	});
}

const describe = (value: { type: number; dims: readonly (number | string)[] }) =>
	`${Object.entries(ElementType).find(([, type]) => type === value.type)?.[0] ?? `type ${value.type}`} [${value.dims}]`;
