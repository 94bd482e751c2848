/** What must hold of a graph before anything is done with it, and the order its nodes are kept in. */

import type { Graph, Node, Value } from "./onnx.js";
import { breaksLines, type Refuse, shown } from "./sentence.js";
import { allFinite, isElementType } from "./tensors.js";

/** Versions of the standard operators that the steps of `prepare` know. */
const OPSETS = { oldest: 13, newest: 21 };
/** Versions of the file format that ONNX Runtime reads. */
const FORMATS = { oldest: 3, newest: 13 };
const LONGEST_AXIS = 2 ** 31 - 1;

/** The graph with its nodes in executable order, refused where it cannot be one that runs. */
export function valid(graph: Graph, refuse: Refuse): Graph {
	checkVersions(graph, refuse);
	checkNames(graph, refuse);
	checkValues(graph, refuse);
	for (const [name, tensor] of graph.constants) {
		if (!allFinite(tensor)) refuse(`weight ${shown(name)} is not finite (NaN or infinity); expected a trained model`);
	}
	const made = checkProducers(graph, refuse);
	checkReaders(graph, made, refuse);
	return { ...graph, nodes: inOrder(graph.nodes, refuse) };
}

function checkVersions({ irVersion, opsets }: Graph, refuse: Refuse): void {
	if (!(irVersion >= FORMATS.oldest && irVersion <= FORMATS.newest)) {
		refuse(`is in version ${irVersion} of the ONNX format; expected ${FORMATS.oldest} to ${FORMATS.newest}`);
	}
	const versions = [...new Set(opsets.filter(({ domain }) => domain === "").map(({ version }) => version))];
	if (versions.length === 0) refuse("does not say which opset it is written in; export it again with opset_version=17");
	if (versions.length > 1) refuse(`names several opsets (${shown(versions.join(", "))}); expected one`);
	const [version] = versions;
	if (!(version >= OPSETS.oldest && version <= OPSETS.newest)) {
		const expected = `expected ${OPSETS.oldest} to ${OPSETS.newest}`;
		refuse(`is written in opset ${version}; ${expected}: export it again with opset_version=17`);
	}
}

/** Names end up in sentences and in file formats of other programs. */
function checkNames({ nodes, constants, inputs, outputs }: Graph, refuse: Refuse): void {
	const check = (name: string) => {
		if (breaksLines(name)) refuse(`the name ${shown(name)} holds a line end or a control character`);
		// JavaScript's objects cannot hold it, and ONNX Runtime hands outputs over in one.
		if (name === "__proto__") refuse("a name in it is __proto__, which is not supported");
	};
	for (const { op, domain, inputs, outputs, attributes } of nodes) {
		for (const name of [op, domain, ...inputs, ...outputs]) check(name);
		for (const { name } of attributes) check(name);
	}
	for (const name of constants.keys()) check(name);
	for (const { name, dims } of [...inputs, ...outputs]) {
		check(name);
		for (const dim of dims) if (typeof dim === "string") check(dim);
	}
}

function checkValues({ inputs, outputs }: Graph, refuse: Refuse): void {
	if (outputs.length === 0) refuse("has no outputs; expected logits");
	if (inputs.length === 0) refuse("has no inputs; expected an image");
	const check = ({ name, type, dims }: Value, role: string, types: (type: number) => boolean) => {
		if (name === "") refuse(`has an ${role} without a name`);
		if (!types(type)) refuse(`${role} ${shown(name)} has element type ${type}, which is not known`);
		const wrong = dims.find((dim) => typeof dim === "number" && dim > LONGEST_AXIS);
		if (wrong !== undefined) refuse(`${role} ${shown(name)} has an axis of length ${wrong}`);
	};
	for (const input of inputs) check(input, "input", isElementType);
	for (const output of outputs) check(output, "output", (type) => type === 0 || isElementType(type));
	const twice = firstTwice(outputs.map(({ name }) => name));
	if (twice !== undefined) refuse(`has two outputs called ${shown(twice)}`);
}

/** The names of all tensors, none of which may come from two places. */
function checkProducers({ nodes, constants, inputs }: Graph, refuse: Refuse): Set<string> {
	for (const { op, outputs, attributes } of nodes) {
		const made = outputs.find((output) => output !== "");
		if (op === "") refuse(`the node that makes ${shown(made ?? "nothing")} has no operator`);
		if (made === undefined) refuse(`a node of operator ${shown(op)} has no outputs`);
		const twice = firstTwice(attributes.map(({ name }) => name));
		if (twice !== undefined)
			refuse(`${shown(op)} that makes ${shown(made as string)} has two attributes ${shown(twice)}`);
	}
	const made = nodes.flatMap(({ outputs }) => outputs.filter((output) => output !== ""));
	const all = [...inputs.map(({ name }) => name), ...constants.keys(), ...made];
	const twice = firstTwice(all);
	if (twice !== undefined) refuse(`tensor ${shown(twice)} is made in two places`);
	return new Set(all);
}

function checkReaders({ nodes, outputs }: Graph, made: ReadonlySet<string>, refuse: Refuse): void {
	for (const { op, inputs } of nodes) {
		const missing = inputs.find((input) => input !== "" && !made.has(input));
		if (missing !== undefined) refuse(`${shown(op)} reads ${shown(missing)}, which nothing makes`);
	}
	const missing = outputs.find(({ name }) => !made.has(name));
	if (missing) refuse(`nothing makes its output ${shown(missing.name)}`);
}

/** The nodes, each after those it reads from; they stay as they are where that is so. */
function inOrder(nodes: readonly Node[], refuse: Refuse): Node[] {
	const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
	producers.delete("");
	const order = new Set<Node>();
	const waiting = new Set<Node>();
	for (const root of nodes) {
		// Depth first without recursion: a deep model has thousands of nodes in a row.
		const stack = [root];
		for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
			const before = order.has(node)
				? []
				: node.inputs.flatMap((input) => producers.get(input) ?? []).filter((other) => !order.has(other));
			if (before.length === 0) {
				order.add(node);
				stack.pop();
				continue;
			}
			waiting.add(node);
			const circle = before.find((other) => waiting.has(other));
			if (circle) refuse(`${shown(circle.op)} that makes ${shown(circle.outputs[0])} reads what is made from it`);
			for (const other of before) stack.push(other);
		}
	}
	return [...order];
}

function firstTwice(names: readonly string[]): string | undefined {
	const seen = new Set<string>();
	return names.find((name) => seen.size === seen.add(name).size);
}
