/** For tests: small vision transformers with seeded weights. */

import { seeded, weightsOf } from "./fixtures.weights.js";
import { type Draft, edit, float, floats, int, integers, ints } from "./graph/graph.js";
import { ElementType, type Graph } from "./graph/onnx.js";

export interface TinyOptions {
	/** `patch`: one convolution, stride = kernel; `conv`: two with a ReLU between; `padded`: the same, padded by one. */
	readonly stem?: "patch" | "conv" | "padded";
	readonly blocks?: number;
	/** `fixed`: exported for one frame, with the 1 in its shapes. */
	readonly batch?: "dynamic" | "fixed";
	/** Norms before attention and MLP, or behind the sums that follow them. */
	readonly norms?: "pre" | "post";
	/** How norms are spelled: as one operator, or in single steps as exporters did before opset 17. */
	readonly spelled?: "whole" | "steps";
	/** `class`: the class token; `mean`: of all tokens; `patches`: of all but the class token. */
	readonly pooling?: "class" | "mean" | "patches";
	/** The last norm: of all tokens, of what was pooled (also called fc_norm), or none, as is usual behind post-norm blocks. */
	readonly final?: "all" | "pooled" | "none";
	/** Whether there is a class token. */
	readonly token?: boolean;
	readonly opset?: number;
	/** Linear layers as Gemm on [N·tokens,channels] instead of MatMul and Add. */
	readonly gemm?: boolean;
	readonly softmax?: boolean;
}

/** The tiny models' input is SIDE × SIDE; they tell CLASSES classes apart. */
export const SIDE = 16;
export const CLASSES = 3;
const WIDTH = 16;
const HEADS = 2;

/** A vision transformer of 16 channels on 16 × 16 pixels, 3 classes, weights from a seed. */
export function tinyTransformer(options: TinyOptions = {}): Graph {
	const { stem = "patch", blocks = 2, batch = "dynamic", pooling = "class", opset = 17, norms = "pre" } = options;
	const { final = norms === "pre" ? "all" : "none", token = true, spelled = "whole" } = options;
	const empty: Graph = {
		irVersion: 8,
		opsets: [{ domain: "", version: opset }],
		nodes: [],
		constants: new Map(),
		inputs: [{ name: "image", type: ElementType.float32, dims: [batch === "fixed" ? 1 : "N", 3, SIDE, SIDE] }],
		outputs: [],
	};
	return edit(empty, (draft) => {
		const N = batch === "fixed" ? 1 : -1;
		const shape = (...lengths: number[]) => draft.constant("shape", integers(lengths));
		const weight = weightsOf(draft, seeded(3));
		const conv = (input: string, from: number, to: number, kernel: number, stride: number, pad: number) =>
			draft.add(
				"Conv",
				[
					input,
					weight("conv.weight", [to, from, kernel, kernel], 1.5 / Math.sqrt(from * kernel * kernel)),
					weight("conv.bias", [to], 0.3),
				],
				ints("kernel_shape", kernel, kernel),
				ints("strides", stride, stride),
				ints("pads", pad, pad, pad, pad),
			);
		const linear = (input: string, from: number, to: number) => {
			const matrix = weight("linear.weight", [from, to], 1.5 / Math.sqrt(from));
			const bias = weight("linear.bias", [to], 0.2);
			if (!options.gemm) return draft.add("Add", [draft.add("MatMul", [input, matrix]), bias]);
			const flat = draft.add("Reshape", [input, shape(-1, from)]);
			return draft.add("Reshape", [draft.add("Gemm", [flat, matrix, bias]), shape(N, tokens, to)]);
		};
		const norm = (input: string) => {
			const constants = [weight("norm.weight", [WIDTH], 0.3, 1), weight("norm.bias", [WIDTH], 0.2)];
			return spelled === "whole" ? normalized(draft, input, constants) : inSteps(draft, input, constants);
		};
		const padding = stem === "padded" ? 1 : 0;
		const embedded =
			stem === "patch"
				? conv("image", 3, WIDTH, 4, 4, 0)
				: conv(draft.add("Relu", [conv("image", 3, 8, 4, 2, padding)]), 8, WIDTH, 3, 2, padding);
		const side = stem === "conv" ? 3 : 4;
		const tokens = side * side + (token ? 1 : 0);
		const flat = draft.add("Reshape", [embedded, shape(N, WIDTH, side * side)]);
		const patches = draft.add("Transpose", [flat], ints("perm", 0, 2, 1));
		const joined = token
			? draft.add("Concat", [classToken(weight("class", [1, 1, WIDTH], 1)), patches], int("axis", 1))
			: patches;
		let stream = draft.add("Add", [joined, weight("position", [1, tokens, WIDTH], 0.5)]);
		const branch = (make: (input: string) => string) => {
			const made = make(norms === "pre" ? norm(stream) : stream);
			stream = draft.add("Add", [stream, made]);
			if (norms === "post") stream = norm(stream);
		};
		for (let block = 0; block < blocks; block++) {
			branch((input) => linear(attention(draft, input, linear, shape, N, tokens), WIDTH, WIDTH));
			branch((input) => linear(draft.add("Relu", [linear(input, WIDTH, 2 * WIDTH)]), 2 * WIDTH, WIDTH));
		}
		const normed = final === "all" ? norm(stream) : stream;
		const pooled = pool(draft, normed, pooling);
		const features = final === "pooled" ? norm(pooled) : pooled;
		const head = [weight("head.weight", [CLASSES, WIDTH], 1), weight("head.bias", [CLASSES], 0.1)];
		const logits = draft.add("Gemm", [features, ...head], int("transB", 1));
		const output = options.softmax ? draft.add("Softmax", [logits], int("axis", -1)) : logits;
		draft.output("logits", output, ElementType.float32, [batch === "fixed" ? 1 : "N", CLASSES]);

		/** The class token, once for each frame. */
		function classToken(constant: string): string {
			if (batch === "fixed") return constant;
			const length = draft.add("Gather", [draft.add("Shape", [patches]), shape(0)], int("axis", 0));
			return draft.add("Expand", [constant, draft.add("Concat", [length, shape(1, 1)], int("axis", 0))]);
		}
	});
}

const EPSILON = 1e-6;

const normalized = (draft: Draft, input: string, constants: readonly string[]) =>
	draft.add("LayerNormalization", [input, ...constants], int("axis", -1), float("epsilon", EPSILON));

/** LayerNorm as exporters wrote it before opset 17. */
function inSteps(draft: Draft, input: string, [scale, bias]: readonly string[]): string {
	const number = (value: number) => draft.constant("number", floats([], [value]));
	const centred = draft.add("Sub", [input, draft.reduce("ReduceMean", input, [-1])]);
	const variance = draft.reduce("ReduceMean", draft.add("Pow", [centred, number(2)]), [-1]);
	const root = draft.add("Sqrt", [draft.add("Add", [variance, number(EPSILON)])]);
	return draft.add("Add", [draft.add("Mul", [draft.add("Div", [centred, root]), scale]), bias]);
}

/** What of the tokens goes to the classifier [N,WIDTH]. */
function pool(draft: Draft, tokens: string, pooling: NonNullable<TinyOptions["pooling"]>): string {
	if (pooling === "class") {
		return draft.add("Gather", [tokens, draft.constant("zero", integers([0], []))], int("axis", 1));
	}
	const one = (value: number) => draft.constant("slice", integers([value]));
	const some =
		pooling === "mean" ? tokens : draft.add("Slice", [tokens, one(1), one(Number.MAX_SAFE_INTEGER), one(1), one(1)]);
	return draft.opset < 18
		? draft.add("ReduceMean", [some], ints("axes", 1), int("keepdims", 0))
		: draft.add("ReduceMean", [some, one(1)], int("keepdims", 0));
}

function attention(
	draft: Draft,
	input: string,
	linear: (input: string, from: number, to: number) => string,
	shape: (...lengths: number[]) => string,
	N: number,
	tokens: number,
): string {
	const apart = (...perm: number[]): string => {
		const cut = draft.add("Reshape", [linear(input, WIDTH, WIDTH), shape(N, tokens, HEADS, WIDTH / HEADS)]);
		return draft.add("Transpose", [cut], ints("perm", ...perm));
	};
	const scores = draft.add("MatMul", [apart(0, 2, 1, 3), apart(0, 2, 3, 1)]);
	const scaled = draft.add("Mul", [scores, draft.constant("scale", floats([], [Math.sqrt(HEADS / WIDTH)]))]);
	const mixed = draft.add("MatMul", [draft.add("Softmax", [scaled], int("axis", -1)), apart(0, 2, 1, 3)]);
	const turned = draft.add("Transpose", [mixed], ints("perm", 0, 2, 1, 3));
	return draft.add("Reshape", [turned, shape(N, tokens, WIDTH)]);
}
