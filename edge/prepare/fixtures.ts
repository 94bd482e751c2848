/** For tests: a place to prepare a small model in, pictures to calibrate it on, and a look at what came of it. */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { ffmpegPath } from "../../adapters/ffmpeg.js";
import { type TinyOptions, tinyTransformer } from "./fixtures.transformer.js";
import { decodeModel, encodeModel, type Graph } from "./graph/onnx.js";
import { evaluate, openSession } from "./graph/session.js";

export { CLASSES, SIDE, type TinyOptions, tinyTransformer } from "./fixtures.transformer.js";

export interface Workshop {
	readonly directory: string;
	readonly model: string;
	readonly calibration: string;
	readonly out: string;
	readonly mean: [number, number, number];
	readonly std: [number, number, number];
	remove(): Promise<void>;
}

/**
 * A directory with `model.onnx`, a tiny transformer unless another graph is given, and calibration pictures in
 * `pictures/<class>/`; to be removed when done.
 * @param drawn pictures to copy rather than to draw again
 */
export async function workshop(model: TinyOptions | Graph = {}, drawn?: string): Promise<Workshop> {
	const directory = await mkdtemp(join(tmpdir(), "acclimate-prepare-"));
	const file = join(directory, "model.onnx");
	const pictures = join(directory, "pictures");
	await writeFile(file, encodeModel("nodes" in model ? model : tinyTransformer(model)));
	await (drawn === undefined ? drawPictures(pictures) : cp(drawn, pictures, { recursive: true }));
	return {
		directory,
		model: file,
		calibration: pictures,
		out: join(directory, "bundle"),
		mean: [0.5, 0.5, 0.5],
		std: [0.5, 0.5, 0.5],
		remove: () => rm(directory, { recursive: true }),
	};
}

/** Workshops that are gone when the tests of this file are over. To be called outside of tests. */
export function workshops(): (model?: TinyOptions | Graph) => Promise<Workshop> {
	const made: string[] = [];
	after(() => Promise.all(made.map((directory) => rm(directory, { recursive: true }))));
	const draw = async () => {
		const directory = await mkdtemp(join(tmpdir(), "acclimate-pictures-"));
		made.push(directory);
		await drawPictures(directory);
		return directory;
	};
	let drawn: Promise<string> | undefined;
	return async (model) => {
		drawn ??= draw();
		const shop = await workshop(model, await drawn);
		made.push(shop.directory);
		return shop;
	};
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

/** The graph of a bundle as it was written. */
export async function written(shop: Pick<Workshop, "out">): Promise<Graph> {
	const path = join(shop.out, "model.onnx");
	return decodeModel(await readFile(path), path);
}

/** The graph of a bundle as ONNX Runtime runs it, after its own optimizations. */
export async function executed(shop: Pick<Workshop, "out" | "directory">): Promise<Graph> {
	const file = join(shop.directory, "executed.onnx");
	const session = await openSession(await written(shop), file);
	await session.close();
	return decodeModel(await readFile(file), file);
}

export const count = (graph: Graph, ...kinds: readonly string[]): number =>
	graph.nodes.filter(({ op }) => kinds.includes(op)).length;

/** What a graph that takes `pixels` and `affine` returns for frames of some bytes; `extra`: more of its tensors to return. */
export async function forward(
	graph: Graph,
	pixels: Uint8Array,
	affine: Float32Array,
	extra: readonly string[] = [],
): Promise<Readonly<Record<string, Float32Array>>> {
	const [, , height, width] = graph.inputs[0].dims as number[];
	const outputs = [...graph.outputs, ...extra.map((name) => ({ name, type: 0, dims: [] }))];
	const found = await evaluate(
		{ ...graph, outputs },
		{
			pixels: { data: pixels, dims: [pixels.length / (3 * height * width), 3, height, width] },
			affine: { data: affine, dims: [affine.length] },
		},
	);
	return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
}

/** The largest difference between two rows of numbers, and NaN where there is one among them. */
export function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
	if (found.length !== expected.length) throw new RangeError(`${found.length} numbers, and ${expected.length}`);
	let worst = 0;
	for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i] - expected[i]));
	return worst;
}
