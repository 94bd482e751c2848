/** For tests: small transformers with seeded weights, and pictures to calibrate them on. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ffmpegPath } from "../../adapters/ffmpeg.js";
import { type Draft, edit, float, floats, int, integers, ints } from "./graph/graph.js";
import { ElementType, encodeModel, type Graph } from "./graph/onnx.js";

export interface TinyOptions {
	/** `patch`: one convolution, stride = kernel; `conv`: two with a ReLU between; `padded`: the same, padded by one. */
	readonly stem?: "patch" | "conv" | "padded";
	readonly blocks?: number;
	/** `fixed`: exported for one frame, with the 1 in its shapes. */
	readonly batch?: "dynamic" | "fixed";
	readonly pooling?: "class" | "mean";
	readonly opset?: number;
	/** Linear layers as Gemm on [N·tokens,channels] instead of MatMul and Add. */
	readonly gemm?: boolean;
	readonly softmax?: boolean;
}

/** The tiny model's input is SIDE × SIDE; it tells CLASSES classes apart. */
export const SIDE = 16;
export const CLASSES = 3;
const WIDTH = 16;
const HEADS = 2;

/** A vision transformer of 16 channels on 16 × 16 pixels, 3 classes, weights from a seed. */
export function tinyTransformer(options: TinyOptions = {}): Graph {
	const { stem = "patch", blocks = 2, batch = "dynamic", pooling = "class", opset = 17 } = options;
	const random = seeded(3);
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
		const weight = (hint: string, dims: number[], size: number, centre = 0) => {
			const length = dims.reduce((a, b) => a * b);
			return draft.constant(
				hint,
				floats(
					dims,
					Array.from({ length }, () => centre + size * random()),
				),
			);
		};
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
		const norm = (input: string) =>
			draft.add(
				"LayerNormalization",
				[input, weight("norm.weight", [WIDTH], 0.3, 1), weight("norm.bias", [WIDTH], 0.2)],
				int("axis", -1),
				float("epsilon", 1e-6),
			);
		const padding = stem === "padded" ? 1 : 0;
		const embedded =
			stem === "patch"
				? conv("image", 3, WIDTH, 4, 4, 0)
				: conv(draft.add("Relu", [conv("image", 3, 8, 4, 2, padding)]), 8, WIDTH, 3, 2, padding);
		const side = stem === "conv" ? 3 : 4;
		const tokens = side * side + 1;
		const flat = draft.add("Reshape", [embedded, shape(N, WIDTH, side * side)]);
		const patches = draft.add("Transpose", [flat], ints("perm", 0, 2, 1));
		let token = weight("class", [1, 1, WIDTH], 1);
		if (batch === "dynamic") {
			const length = draft.add("Gather", [draft.add("Shape", [patches]), shape(0)], int("axis", 0));
			token = draft.add("Expand", [token, draft.add("Concat", [length, shape(1, 1)], int("axis", 0))]);
		}
		const joined = draft.add("Concat", [token, patches], int("axis", 1));
		let stream = draft.add("Add", [joined, weight("position", [1, tokens, WIDTH], 0.5)]);
		for (let block = 0; block < blocks; block++) {
			const attended = attention(draft, norm(stream), linear, shape, N, tokens);
			stream = draft.add("Add", [stream, linear(attended, WIDTH, WIDTH)]);
			const hidden = draft.add("Relu", [linear(norm(stream), WIDTH, 2 * WIDTH)]);
			stream = draft.add("Add", [stream, linear(hidden, 2 * WIDTH, WIDTH)]);
		}
		const normed = norm(stream);
		const features =
			pooling === "class"
				? draft.add("Gather", [normed, draft.constant("zero", integers([0], []))], int("axis", 1))
				: draft.add("ReduceMean", [normed], ints("axes", 1), int("keepdims", 0));
		const head = [weight("head.weight", [CLASSES, WIDTH], 1), weight("head.bias", [CLASSES], 0.1)];
		const logits = draft.add("Gemm", [features, ...head], int("transB", 1));
		const output = options.softmax ? draft.add("Softmax", [logits], int("axis", -1)) : logits;
		draft.output("logits", output, ElementType.float32, [batch === "fixed" ? 1 : "N", CLASSES]);
	});
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

/** Pseudo-random numbers in [−1, 1), the same every time. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 31 - 1;
	};
}

/** A directory with `model.onnx` and calibration pictures in `pictures/<class>/`; to be removed when done. */
export async function workshop(options: TinyOptions = {}): Promise<Workshop> {
	const directory = await mkdtemp(join(tmpdir(), "acclimate-prepare-"));
	const model = join(directory, "model.onnx");
	const pictures = join(directory, "pictures");
	await writeFile(model, encodeModel(tinyTransformer(options)));
	await drawPictures(pictures);
	return {
		directory,
		model,
		calibration: pictures,
		out: join(directory, "bundle"),
		mean: [0.5, 0.5, 0.5],
		std: [0.5, 0.5, 0.5],
		remove: () => rm(directory, { recursive: true }),
	};
}

export interface Workshop {
	readonly directory: string;
	readonly model: string;
	readonly calibration: string;
	readonly out: string;
	readonly mean: [number, number, number];
	readonly std: [number, number, number];
	remove(): Promise<void>;
}

/** Draws 12 pictures for each of the classes a, b, c with ffmpeg's test sources. */
export async function drawPictures(directory: string): Promise<void> {
	const sources = {
		a: "testsrc=size=40x30:rate=12",
		b: "mandelbrot=size=40x30:rate=12",
		c: "testsrc2=size=40x30:rate=12",
	};
	for (const [name, source] of Object.entries(sources)) {
		await mkdir(join(directory, name), { recursive: true });
		const input = ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "12"];
		await promisify(execFile)(ffmpegPath(), [...input, join(directory, name, "%02d.png")]);
	}
}
