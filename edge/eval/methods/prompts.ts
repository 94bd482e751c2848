/** Gives a prepared vision transformer an input for prompts: tokens that come along with each frame's own. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../../operators/types.js";
import { Mistake } from "../../mistake.js";
import { edit, int, integers, intsOf, producersOf, toIntegers } from "../../prepare/graph/graph.js";
import { decodeModel, ElementType, type Graph, type Node } from "../../prepare/graph/onnx.js";
import { evaluate } from "../../prepare/graph/session.js";

/** The outputs that a prompted graph has. */
export const PROMPTED_OUTPUTS = ["logits", "features", "taps"] as const;

/**
 * The model of a bundle with an input `prompts` float32 [count,channels] beside `pixels` and `affine`: tokens of their
 * own behind those of each frame, all positions embedded. A transformer's blocks do not see an order, so that this is
 * the same as in front, and it leaves the class token first and the patches where they were.
 * @throws {Mistake} when no tokens are found, or a mean of them would take in the prompts
 */
export async function promptedGraph({ directory, manifest, source }: Bundle, count: number): Promise<Graph> {
	const path = join(directory, manifest.model.file);
	const graph = decodeModel(await readFile(path), path);
	const tokens = tokensOf(graph);
	const { width, height } = manifest.input;
	const shown = edit(graph, (draft) => {
		draft.outputs = [];
		draft.output("tokens", tokens, ElementType.float32, []);
	});
	const feeds = {
		pixels: { data: new Uint8Array(3 * width * height), dims: [1, 3, height, width] },
		affine: { data: source.affine, dims: [source.affine.length] },
	};
	const [, length, channels, ...more] = (await evaluate(shown, feeds)).tokens.dims;
	if (channels === undefined || more.length > 0) throw new Mistake(`${path}: prompts need tokens in a row`);
	return withPrompts(graph, { tokens, length, channels }, count);
}

interface Tokens {
	readonly tokens: string;
	/** Of a frame. */
	readonly length: number;
	readonly channels: number;
}

function withPrompts(graph: Graph, { tokens, length, channels }: Tokens, count: number): Graph {
	const behind = descendants(graph, tokens, ancestors(graph, PROMPTED_OUTPUTS));
	if ([...behind].some((node) => averagesTokens(node, graph))) {
		throw new Mistake("prompts need a model that classifies by its class token; this one takes a mean of its tokens");
	}
	return edit(graph, (draft) => {
		draft.inputs = [...draft.inputs, { name: "prompts", type: ElementType.float32, dims: [count, channels] }];
		draft.outputs = draft.outputs.filter(({ name }) => (PROMPTED_OUTPUTS as readonly string[]).includes(name));
		const bound = (value: number) => draft.constant("bound", integers([value]));
		const frames = draft.add("Slice", [draft.add("Shape", [tokens]), bound(0), bound(1)]);
		const shape = draft.add("Concat", [frames, draft.constant("ones", integers([1, 1]))], int("axis", 0));
		const together = draft.add("Concat", [tokens, draft.add("Expand", ["prompts", shape])], int("axis", 1));
		draft.nodes = draft.nodes.map((node) => {
			if (!behind.has(node)) return node;
			const inputs = node.inputs.map((name) => (name === tokens ? together : name));
			const entries = shapeOf(node, graph);
			// The tokens' number stands behind the frames' and before that of channels.
			const isTokens = (i: number) => entries[i] === length && i > 0 && i < entries.length - 1;
			if (!entries.some((_, i) => isTokens(i))) return { ...node, inputs };
			const longer = entries.map((entry, i) => (isTokens(i) ? entry + count : entry));
			return { ...node, inputs: [inputs[0], draft.constant("shape.prompted", integers(longer))] };
		});
	});
}

/**
 * The tokens that the first block gets: what the output `stem` is taken from, which is the first tensor on the way back
 * from there that the predictions come from too.
 */
function tokensOf(graph: Graph): string {
	const producers = producersOf(graph);
	const predicting = ancestors(graph, ["logits"]);
	for (let name = "stem"; ; ) {
		const node = producers.get(name);
		if (!node) throw new Mistake("prompts need a transformer's tokens, and none were found behind the output stem");
		if (predicting.has(node)) return name;
		// A concatenation of mean and mean square, and both of the same.
		name = node.inputs[0];
	}
}

const shapeOf = (node: Node, graph: Graph): number[] => {
	const shape = node.op === "Reshape" ? graph.constants.get(node.inputs[1]) : undefined;
	return shape ? toIntegers(shape) : [];
};

/** A mean over tokens; a norm in single steps takes one over the last axis. */
function averagesTokens(node: Node, graph: Graph): boolean {
	if (node.op !== "ReduceMean") return node.op === "GlobalAveragePool";
	const axes = graph.constants.get(node.inputs[1]);
	return (intsOf(node, "axes") ?? (axes ? toIntegers(axes) : []))[0] === 1;
}

/** The nodes that outputs are made by. */
function ancestors(graph: Graph, outputs: readonly string[]): Set<Node> {
	const producers = producersOf(graph);
	const found = new Set<Node>();
	const waiting = [...outputs];
	for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
		const node = producers.get(name);
		if (!node || found.has(node)) continue;
		found.add(node);
		waiting.push(...node.inputs);
	}
	return found;
}

/** Those of the nodes, in order, that read a tensor or what is made from it. */
function descendants({ nodes }: Graph, tensor: string, among: ReadonlySet<Node>): Set<Node> {
	const made = new Set([tensor]);
	const found = new Set<Node>();
	for (const node of nodes) {
		if (!among.has(node) || !node.inputs.some((name) => made.has(name))) continue;
		found.add(node);
		for (const output of node.outputs) made.add(output);
	}
	return found;
}
