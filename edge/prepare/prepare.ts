import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Fit, Manifest, Site, Source } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { compare, gatherStatistics, observeRanges, type Sample } from "./calibrate/calibrate.js";
import { type Pictures, readPictures } from "./calibrate/images.js";
import { expose, type Normalization } from "./expose/expose.js";
import { findParts, isTapped, type Parts } from "./expose/find.js";
import { planSites, sourceAffine } from "./expose/sites.js";
import { toFloats } from "./graph/graph.js";
import { encodeModel, type Graph, type Tensor } from "./graph/onnx.js";
import { openSession } from "./graph/session.js";
import { openModel, type Size } from "./open/open.js";
import { quantizableTensors, quantize } from "./quantize/quantize.js";
import { writeBundle } from "./write.js";

export interface PrepareOptions {
	/** Path of the float ONNX model, a vision transformer with a class token. */
	readonly model: string;
	/** Path of the calibration pictures: a folder (of class folders), a zip of one, or a video. */
	readonly calibration: string;
	/** Directory the bundle is written to. */
	readonly out: string;
	/** 8 (default): int8 matrix products; 32: float. */
	readonly bits?: 8 | 32;
	/** Names of the sites that the zeroth-order step perturbs, `*` standing for anything; default as in `planSites`. */
	readonly sites?: readonly string[];
	/** Path of a file with one label a line; default: the names of the calibration's class folders, sorted. */
	readonly labels?: string;
	/** Needed where the model leaves its input size open. */
	readonly size?: Size;
	/** What the model was trained with, R, G, B on a scale of 0…1; default 0.5, which is pixel / 127.5 − 1. */
	readonly mean?: Normalization["mean"];
	readonly std?: Normalization["std"];
	/** How a frame becomes the model's input; default `stretch`. */
	readonly fit?: Fit;
}

/** Calibration pictures taken at most, and of these the ones that ranges of activations are taken from. */
const MOST_PICTURES = 2000;
const MOST_FOR_RANGES = 256;
/** Below this there is nothing to hold back and statistics mean nothing. */
const FEWEST_PICTURES = 10;
/** The share of the pictures that no range is taken from, so that the report can be made on them. */
const HELD_BACK = 0.2;

/**
 * Turns a float ONNX vision transformer and calibration pictures into a bundle: open → expose → calibrate → quantize → write.
 * @param progress told one sentence after each step
 * @throws {Mistake} when model, pictures or options are not what was expected
 */
export async function prepare(
	options: PrepareOptions,
	progress: (sentence: string) => void = () => {},
): Promise<Manifest> {
	const { bits = 8, fit = "stretch", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] } = options;
	const normalization = { mean, std };
	checkNormalization(normalization);
	await checkOutput(options.out);
	const opened = await openModel(options.model, options.size);
	const parts = await findParts(opened);
	const sites = planSites(parts, options.sites);
	const affine = sourceAffine(opened.graph, parts, sites);
	const { size } = opened;
	progress(describeSites(sites, affine.length));

	const found = await readPictures(options.calibration, { ...size, fit }, MOST_PICTURES);
	progress(describePictures(found));
	const labels = await chooseLabels(options, found, parts.head.classes);
	const samples = labelled(found, labels);
	const heldBack = samples.filter((_, i) => isHeldBack(i));

	const exposed = expose(opened, parts, sites, normalization);
	const quantized = async (): Promise<Graph> => {
		const ranges = await observeRanges(
			exposed,
			quantizableTensors(exposed, parts),
			{ size, affine },
			samples.filter((_, i) => !isHeldBack(i)).slice(0, MOST_FOR_RANGES),
		);
		progress(`quantized ${ranges.size} activations and the weights they meet`);
		return quantize(exposed, parts, ranges);
	};
	const graph = bits === 8 ? await quantized() : exposed;

	const session = await openSession(graph);
	try {
		const prepared = { session, size, affine };
		const statistics = await gatherStatistics(prepared, samples, labels.length);
		const report = await compare(opened, normalization, prepared, heldBack);
		progress(
			`agrees with the original on ${(100 * report.agreement).toFixed(1)} % of ${report.frames} held-back pictures, largest logit error ${report.maxLogitError.toPrecision(2)}`,
		);
		const source: Source = { affine, ...statistics, head: headWeight(opened.graph, parts) };
		const manifest = await writeBundle(
			options.out,
			{
				name: basename(options.model, extname(options.model)),
				labels,
				input: { ...size, order: "gbr", fit },
				affine: affine.length,
				sites,
				taps: { stages: [parts.norms.filter(isTapped).reduce((sum, { channels }) => sum + channels, 0)] },
				stem: { channels: parts.tokens.channels, positions: parts.tokens.count - 1 },
				features: parts.head.width,
				bits,
				calibration: { frames: samples.length, labelled: samples.every(({ label }) => label !== undefined) },
				report,
			},
			encodeModel(graph),
			source,
		);
		progress(`wrote ${options.out}`);
		return manifest;
	} finally {
		await session.close();
	}
}

/** Refuses what nothing can be written to before the work is done rather than after. */
async function checkOutput(out: string): Promise<void> {
	const found = await stat(out).catch(() => undefined);
	if (found && !found.isDirectory()) throw new Mistake(`${out} is a file; expected a folder for the bundle`);
}

function checkNormalization({ mean, std }: Normalization): void {
	if (
		![...mean, ...std].every((value) => Number.isFinite(value) && Math.abs(value) <= 2) ||
		std.some((value) => value <= 0)
	) {
		throw new Mistake(`mean ${mean} and std ${std}: expected three numbers each, on a scale of 0 to 1, std above 0`);
	}
}

/** Spreads what is held back over the folders, whatever their number: multiples of the golden ratio avoid every rhythm. */
const isHeldBack = (index: number) => (index * 0.6180339887498949) % 1 < HELD_BACK;

async function chooseLabels(options: PrepareOptions, { pictures }: Pictures, classes: number): Promise<string[]> {
	if (pictures.length < FEWEST_PICTURES) {
		throw new Mistake(
			`${options.calibration}: expected at least ${FEWEST_PICTURES} calibration pictures, found ${pictures.length}`,
		);
	}
	if (options.labels !== undefined) return readLabels(options.labels, classes);
	const folders = [...new Set(pictures.flatMap(({ folder }) => folder ?? []))].sort();
	if (folders.length === classes) return folders;
	throw new Mistake(
		`the model tells ${classes} classes apart and ${options.calibration} has ${folders.length} class folders; name the classes with --labels FILE, one a line`,
	);
}

async function readLabels(path: string, classes: number): Promise<string[]> {
	const text = await readFile(path, "utf8").catch((cause) => {
		throw new Mistake(`${path}: cannot be read (${cause.code}); expected labels, one a line`, { cause });
	});
	const labels = text.split(/\r?\n/).map((line) => line.trim());
	while (labels.at(-1) === "") labels.pop();
	const empty = labels.indexOf("");
	if (empty >= 0) throw new Mistake(`${path}:${empty + 1}: expected a label, found an empty line`);
	if (labels.length !== classes) {
		throw new Mistake(`${path}: expected ${classes} labels, as many as the model has classes, found ${labels.length}`);
	}
	return labels;
}

const labelled = ({ pictures }: Pictures, labels: readonly string[]): Sample[] =>
	pictures.map(({ pixels, folder }) => {
		const label = folder === undefined ? -1 : labels.indexOf(folder);
		return label < 0 ? { pixels } : { pixels, label };
	});

/** W [C,d] of the linear head. */
function headWeight(graph: Graph, { head }: Parts): Float32Array {
	const values = toFloats(graph.constants.get(head.weight) as Tensor);
	if (!head.transposed) return values;
	return values.map((_, i) => values[(i % head.width) * head.classes + Math.floor(i / head.width)]);
}

function describeSites(sites: readonly Site[], parameters: number): string {
	const norms = sites.filter(({ kind }) => kind === "norm");
	const perturbed = sites.filter((site) => site.perturbed).map(({ name }) => name);
	return `found ${norms.length} LayerNorms and the stem, ${parameters} parameters; perturbed: ${perturbed.join(", ") || "none"}`;
}

function describePictures({ pictures, skipped }: Pictures): string {
	const broken =
		skipped.length === 0 ? "" : `, skipped ${skipped.length} that cannot be decoded: ${skipped.slice(0, 5).join(", ")}`;
	return `read ${pictures.length} calibration pictures${broken}${skipped.length > 5 ? ", …" : ""}`;
}
