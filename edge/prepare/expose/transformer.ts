import { consumersOf, intOf, producersOf, toIntegers } from "../graph/graph.js";
import type { Graph, Node } from "../graph/onnx.js";
import type { Opened } from "../open/open.js";
import type { Head } from "./head.js";
import type { Parts, Reading } from "./parts.js";
import type { Place } from "./place.js";
import type { Shapes } from "./shapes.js";
import type { Stem } from "./stem.js";

/** The parts of a model with LayerNorms over the channels of tokens or pixels; undefined where there are none. */
export function findTransformer(
	{ graph }: Opened,
	shapes: Shapes,
	stem: Stem,
	head: Head,
): Omit<Parts, "stem" | "head" | "shapes"> | undefined {
	const norms = graph.nodes.filter((node) => isAdaptable(node, graph, shapes));
	if (norms.length === 0) return undefined;
	const attended = attentionsBefore(graph);
	const before = norms.map(({ inputs }) => attended(inputs[0]));
	const attentions = Math.max(...graph.nodes.flatMap(({ outputs }) => outputs.map(attended)));
	// A norm of the embedding goes round the first branch in either case.
	const post = norms.some(({ outputs }, i) => before[i] > 0 && isSummed(outputs[0], graph));
	const names = (post ? namesAfter(before, attentions) : namesBefore(before, attentions)) ?? plainNames(norms.length);
	const places = norms.map((norm, i) => placeOf(norm, names[i], shapes));
	const regular = attentions > 0 && places.some(({ name }) => name.startsWith("blocks."));
	const first = startOf(norms[0], post && regular, graph, attended);
	const take = readsFirstToken(head.features, graph, shapes) ? "first" : "mean";
	const reading = (tensor: string): Reading => ({
		tensor,
		shape: shapes(tensor),
		axis: shapes(tensor).length - 1,
		take,
	});
	const tapped = regular
		? places.filter(({ name }) => (post ? name.endsWith(".norm2") : isNextFirst(name) || name === "norm"))
		: lastOfEachWidth(places);
	// Where the last norm is of the pooled vector alone, it is no place, and what it makes goes straight to the classifier.
	const isLastTapped = !regular || post || places.some(({ name }) => name === "norm");
	const features: Reading = { tensor: head.features, shape: [1, head.width], axis: 1, take: "mean" };
	const kind = regular
		? `a transformer of ${attentions} blocks, norms ${post ? "behind" : "before"} them`
		: "a network with LayerNorms";
	return {
		family: `${kind}, ${take === "first" ? "class token" : "mean of its positions"}`,
		places: places.map((place) => ({
			...place,
			usual: isUsual(place.name, attentions, places.length) ? ("perturbed" as const) : ("aligned" as const),
		})),
		tokens: {
			tensor: first,
			shape: shapes(first),
			axis: shapes(first).length - 1,
			skip: tokensBefore(shapes(first), stem, take),
		},
		taps: [...tapped.map(({ output }) => reading(output)), ...(isLastTapped ? [] : [features])],
	};
}

/** A LayerNorm over the last axis, with constants, of more than a vector a frame, and not of the queries and keys alone. */
function isAdaptable(node: Node, graph: Graph, shapes: Shapes): boolean {
	const shape = shapes(node.outputs[0]);
	const axis = intOf(node, "axis", -1);
	return (
		node.op === "LayerNormalization" &&
		(shape.length === 3 || shape.length === 4) &&
		shape[0] === 1 &&
		shape.slice(1, -1).some((length) => length > 1) &&
		!isCompared(node.outputs[0], graph, shapes) &&
		(axis === -1 || axis === shape.length - 1) &&
		node.inputs.slice(1).every((name) => name === "" || graph.constants.get(name)?.dims.join() === `${shape.at(-1)}`)
	);
}

/** Whether a tensor goes, turned and scaled at most, into a product with another one that flows: attention's. */
function isCompared(tensor: string, graph: Graph, shapes: Shapes): boolean {
	const consumers = consumersOf(graph);
	let name = tensor;
	for (;;) {
		const [reader, ...others] = (consumers.get(name) ?? []).filter(({ op }) => op !== "Shape");
		if (reader === undefined || others.length > 0) return false;
		if (reader.op === "MatMul") return !reader.inputs.some((input) => graph.constants.has(input));
		const isScaled =
			reader.op === "Mul" && reader.inputs.some((input) => shapes(input).every((length) => length === 1));
		if (reader.op !== "Transpose" && reader.op !== "Cast" && !isScaled) return false;
		[name] = reader.outputs;
	}
}

const placeOf = ({ inputs: [, scale, bias], outputs: [output] }: Node, name: string, shapes: Shapes): Place => ({
	name,
	kind: "norm",
	output,
	shape: shapes(output),
	axis: shapes(output).length - 1,
	scale,
	...(bias ? { bias } : {}),
	usual: "aligned",
});

/** How many attentions (softmaxes in a row) a tensor's values have gone through. */
function attentionsBefore(graph: Graph): (tensor: string) => number {
	const counts = new Map<string, number>();
	for (const { op, inputs, outputs } of graph.nodes) {
		const most = Math.max(0, ...inputs.map((name) => counts.get(name) ?? 0));
		for (const output of outputs) counts.set(output, most + (op === "Softmax" ? 1 : 0));
	}
	return (tensor) => counts.get(tensor) ?? 0;
}

/** Whether a norm's result is itself what goes round the next branch, as it does where norms come behind branches. */
const isSummed = (output: string, graph: Graph): boolean =>
	(consumersOf(graph).get(output) ?? []).some(
		({ op, inputs }) => op === "Add" && inputs.every((name) => !graph.constants.has(name)),
	);

/** Names where norms come before attention and before the MLP; `before`: attentions before each norm. */
function namesBefore(before: readonly number[], attentions: number): string[] | undefined {
	const names = [...Array(attentions + 1).keys()].flatMap((block) => {
		const count = before.filter((n) => n === block).length;
		const own = block === attentions ? ["norm"] : [`blocks.${block}.norm1`];
		const expected = block === 0 ? own : [`blocks.${block - 1}.norm2`, ...own];
		if (block === 0 && count === 2) return ["norm.embedding", ...expected];
		return block === attentions ? expected.slice(0, count) : expected;
	});
	return attentions > 0 && names.length === before.length ? names : undefined;
}

/** Names where norms come behind attention and behind the MLP. */
function namesAfter(before: readonly number[], attentions: number): string[] | undefined {
	const names = [...Array(attentions + 1).keys()].flatMap((block) => {
		const count = before.filter((n) => n === block).length;
		if (block === 0) return count === 1 ? ["norm.embedding"] : [];
		const own = [`blocks.${block - 1}.norm1`, `blocks.${block - 1}.norm2`];
		return block === attentions && count === 3 ? [...own, "norm"] : own;
	});
	return attentions > 0 && names.length === before.length ? names : undefined;
}

const plainNames = (count: number) => Array.from({ length: count }, (_, i) => `norms.${i}`);

const isNextFirst = (name: string) => name.endsWith(".norm1") && !name.startsWith("blocks.0.");

/** All norms but those of the first block, of the last quarter of the blocks, and the final one (zoa.md, "Settings"). */
function isUsual(name: string, blocks: number, count: number): boolean {
	const [, list, index] = /^(blocks|norms)\.(\d+)/.exec(name) ?? [];
	const all = list === "blocks" ? blocks : count;
	return list !== undefined && Number(index) >= 1 && Number(index) < all - Math.floor(all / 4);
}

/** The tokens, positions embedded, as the first block gets them. */
function startOf(norm: Node, post: boolean, graph: Graph, attended: (tensor: string) => number): string {
	const [input] = norm.inputs;
	if (!post || attended(input) === 0) return input;
	const sum = producersOf(graph).get(input);
	return sum?.inputs.find((name) => !graph.constants.has(name) && attended(name) === 0) ?? input;
}

/** How many tokens stand before the first patch: as many as there are more than the stem has positions. */
function tokensBefore([, count, ...more]: readonly number[], { height, width }: Stem, take: Reading["take"]): number {
	const usual = take === "first" ? 1 : 0;
	return more.length === 1 && count > height * width ? count - height * width : usual;
}

/** Whether the classifier reads one token, the first, rather than a mean over positions. */
function readsFirstToken(features: string, graph: Graph, shapes: Shapes): boolean {
	const producers = producersOf(graph);
	let node = producers.get(features);
	while (node && shapes(node.inputs[0]).length < 3) node = producers.get(node.inputs[0]);
	const first = (index: string) => [0].includes(toIntegersOr(graph, index)?.[0] ?? -1);
	return (node?.op === "Gather" || node?.op === "Slice") && first(node.inputs[1]);
}

function toIntegersOr(graph: Graph, name: string): number[] | undefined {
	const tensor = graph.constants.get(name);
	return tensor && toIntegers(tensor);
}

/** In a network of several stages, what the last norm of each width makes. */
const lastOfEachWidth = (places: readonly Place[]): Place[] => [
	...new Map(places.map((place) => [place.shape.at(-1), place] as const)).values(),
];
