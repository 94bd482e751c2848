import { Mistake } from "../../mistake.js";
import { consumersOf, intOf, intsOf, producersOf } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import type { Opened } from "../open/open.js";

/** A LayerNorm: `blocks.<i>.norm1` before attention, `blocks.<i>.norm2` before the MLP, `norm` at the end. */
export interface Norm {
	readonly name: string;
	/** Which block it belongs to; absent for the final one. */
	readonly block?: number;
	readonly channels: number;
	readonly input: string;
	readonly output: string;
	readonly scale: string;
	/** Absent where the LayerNorm has none. */
	readonly bias?: string;
}

/** Whether the class token behind this norm is among the taps: each next block's first norm, and the final one. */
export const isTapped = ({ name, block }: Norm) => name === "norm" || (block !== 0 && name.endsWith("norm1"));

/** The parts of a vision transformer, by the names of the tensors that pass between them. */
export interface Parts {
	/** The first convolution, whose output is [N,channels,height,width]. */
	readonly stem: {
		readonly output: string;
		readonly weight: string;
		readonly bias?: string;
		readonly padded: boolean;
		readonly channels: number;
		readonly height: number;
		readonly width: number;
	};
	/** [N,count,channels]: class token, then patch tokens, with their positions embedded. */
	readonly tokens: { readonly output: string; readonly count: number; readonly channels: number };
	/** In graph order: two for each block, then the final one. */
	readonly norms: readonly Norm[];
	readonly blocks: number;
	/** The classifier logits = W·features + b. `transposed`: W stands as [d,C]. */
	readonly head: {
		readonly features: string;
		readonly width: number;
		readonly weight: string;
		readonly transposed: boolean;
		readonly classes: number;
	};
}

/**
 * Recognises the parts of a vision transformer with a class token.
 * @throws {Mistake} naming the first part that is not as expected
 */
export async function findParts(opened: Opened): Promise<Parts> {
	const { graph } = opened;
	const norms = graph.nodes.filter(({ op }) => op === "LayerNormalization");
	const stem = findStem(opened);
	const head = findHead(opened);
	const shapes = await shapesOf(opened, [
		stem.outputs[0],
		head.features,
		opened.logits,
		...norms.flatMap(({ inputs, outputs }) => [inputs[0], outputs[0]]),
	]);
	const tokens = shapes(norms[0].inputs[0]);
	const width = shapes(head.features)[1];
	requireClassToken(graph, head.features, tokens);
	if (shapes(head.features).length !== 2) throw new Mistake("expected a classifier on [N,d] features");
	const [, channels, height, columns] = shapes(stem.outputs[0]);
	return {
		stem: {
			output: stem.outputs[0],
			weight: stem.inputs[1],
			...(stem.inputs[2] ? { bias: stem.inputs[2] } : {}),
			padded: isPadded(stem),
			channels,
			height,
			width: columns,
		},
		tokens: { output: norms[0].inputs[0], count: tokens[1], channels: tokens[2] },
		norms: nameNorms(graph, norms, shapes),
		blocks: (norms.length - 1) / 2,
		head: { ...head, width, classes: shapes(opened.logits)[1] },
	};
}

function findStem({ graph, image }: Opened): Node {
	const [first, ...others] =
		consumersOf(graph)
			.get(image)
			?.filter(({ op }) => op !== "Shape") ?? [];
	if (first?.op !== "Conv" || others.length > 0) {
		throw new Mistake(`expected a convolution as the only reader of the image, found ${first?.op ?? "nothing"}`);
	}
	const [, weight, bias] = first.inputs;
	if (!graph.constants.has(weight) || (bias && !graph.constants.has(bias)) || intOf(first, "group", 1) !== 1) {
		throw new Mistake("expected a first convolution with constant weights and one group");
	}
	return first;
}

function findHead({ graph, logits }: Opened) {
	const producers = producersOf(graph);
	const last = producers.get(logits);
	const isWeight = (name: string) => graph.constants.get(name)?.dims.length === 2;
	if (last?.op === "Gemm" && isWeight(last.inputs[1]) && intOf(last, "transA", 0) === 0) {
		const [features, weight] = last.inputs;
		return { features, weight, transposed: intOf(last, "transB", 0) === 0 };
	}
	const product =
		last?.op === "Add" ? last.inputs.map((name) => producers.get(name)).find((n) => n?.op === "MatMul") : last;
	if (product?.op === "MatMul" && isWeight(product.inputs[1])) {
		return { features: product.inputs[0], weight: product.inputs[1], transposed: true };
	}
	throw new Mistake(`expected a linear classifier at the end, found ${last?.op ?? "nothing"}`);
}

/** The shapes that tensors have for one frame. */
async function shapesOf({ graph, image, size }: Opened, names: readonly string[]) {
	const outputs = [...new Set(names)].map((name) => ({ name, type: 0, dims: [] }));
	const data = new Float32Array(3 * size.height * size.width);
	const values = await evaluate({ ...graph, outputs }, { [image]: { data, dims: [1, 3, size.height, size.width] } });
	return (name: string) => values[name].dims;
}

/** Pre-norm blocks alternate: a LayerNorm that leads to a Softmax, one that does not; a last one closes. */
function nameNorms(graph: Graph, norms: readonly Node[], shapes: (name: string) => readonly number[]): Norm[] {
	const consumers = consumersOf(graph);
	const attends = norms.map((norm) => leadsToSoftmax(norm.outputs[0], consumers));
	const blocks = attends.filter(Boolean).length;
	const regular = norms.length === 2 * blocks + 1 && attends.every((yes, i) => yes === (i % 2 === 0 && i < 2 * blocks));
	if (blocks === 0 || !regular) {
		throw new Mistake(
			`expected two LayerNorms in each block and one at the end, found ${norms.length} LayerNorms and ${blocks} attention blocks`,
		);
	}
	return norms.map((norm, i) => {
		const [input, scale, bias] = norm.inputs;
		const block = i < 2 * blocks ? Math.floor(i / 2) : undefined;
		const name = block === undefined ? "norm" : `blocks.${block}.norm${(i % 2) + 1}`;
		const shape = shapes(norm.outputs[0]);
		const axis = intOf(norm, "axis", -1);
		if (shape.length !== 3 || (axis !== -1 && axis !== 2)) {
			throw new Mistake(`${name}: expected a LayerNorm over the channels of [N,tokens,channels], found [${shape}]`);
		}
		if (!graph.constants.has(scale) || (bias && !graph.constants.has(bias))) {
			throw new Mistake(`${name}: expected a constant scale and bias`);
		}
		return {
			name,
			...(block === undefined ? {} : { block }),
			channels: shape[2],
			input,
			output: norm.outputs[0],
			scale,
			...(bias ? { bias } : {}),
		};
	});
}

function leadsToSoftmax(from: string, consumers: ReadonlyMap<string, readonly Node[]>): boolean {
	const open = [from];
	const seen = new Set<string>();
	for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
		for (const node of consumers.get(tensor) ?? []) {
			if (node.op === "Softmax") return true;
			if (node.op === "LayerNormalization") continue;
			for (const output of node.outputs) {
				if (!seen.has(output)) open.push(output);
				seen.add(output);
			}
		}
	}
	return false;
}

/** The first token must be one that was not made from the image, and the classifier must read it. */
function requireClassToken(graph: Graph, features: string, tokens: readonly number[]): void {
	const producers = producersOf(graph);
	const start = graph.nodes.find(({ op }) => op === "LayerNormalization")?.inputs[0] as string;
	const join = upstream(start, producers, (node) => node.op === "Concat" && node.inputs.length === 2);
	const image = graph.inputs[0].name;
	const ownToken = join !== undefined && !dependsOn(join.inputs[0], image, producers);
	const patches = join !== undefined && dependsOn(join.inputs[1], image, producers);
	const pooled = upstream(features, producers, ({ op }) => op === "ReduceMean" || op === "LayerNormalization");
	if (tokens.length !== 3 || !ownToken || !patches || pooled?.op !== "LayerNormalization") {
		throw new Mistake(
			"no class token found: expected a vision transformer that classifies its first token; models that average their tokens are not supported yet",
		);
	}
}

/** The nearest node above a tensor that satisfies `wanted`, looking past shapes and constants. */
function upstream(
	from: string,
	producers: ReadonlyMap<string, Node>,
	wanted: (node: Node) => boolean,
): Node | undefined {
	const open = [from];
	const seen = new Set<string>();
	for (let tensor = open.shift(); tensor !== undefined; tensor = open.shift()) {
		const node = producers.get(tensor);
		if (node === undefined || node.op === "Shape" || seen.has(tensor)) continue;
		seen.add(tensor);
		if (wanted(node)) return node;
		open.push(...node.inputs);
	}
	return undefined;
}

/** Whether a tensor's values, not only its shape, come from another. */
const dependsOn = (tensor: string, from: string, producers: ReadonlyMap<string, Node>) =>
	tensor === from ||
	upstream(tensor, producers, (node) => node.inputs.includes(from) && node.op !== "Shape") !== undefined;

const isPadded = (node: Node) =>
	(intsOf(node, "pads") ?? []).some((pad) => pad !== 0) ||
	node.attributes.some(
		({ name, s }) => name === "auto_pad" && s && !["NOTSET", "VALID"].includes(Buffer.from(s).toString()),
	);
