import { basename, extname } from "node:path";
import type { Fit, Manifest, Site, Source } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import type { RangeMethod } from "./calibrate/histogram.js";
import { type Pictures, readPictures } from "./calibrate/images.js";
import { isHeldBack, MOST_PICTURES, type Sample } from "./calibrate/samples.js";
import { classesApart, gatherStatistics } from "./calibrate/statistics.js";
import { expose, type Statistics } from "./expose/expose.js";
import type { Normalization } from "./expose/image.js";
import { lookOf } from "./expose/look.js";
import { findParts, type Parts, positionsOf } from "./expose/parts.js";
import { planSites, sourceAffine } from "./expose/sites.js";
import { encodeModel } from "./graph/onnx.js";
import { openSession } from "./graph/session.js";
import { calibrated } from "./integers.js";
import { chooseLabels } from "./labels.js";
import { measure } from "./measure.js";
import { type Opened, openModel, type Size } from "./open/open.js";
import type { Bits } from "./quantize/grids.js";
import type { Report } from "./report.js";
import { besideModel, chooseSettings, describeSettings } from "./settings.js";
import { checkTarget, writeBundle } from "./write.js";

export interface PrepareOptions {
	/** Path of the ONNX model, an image classifier: float, or quantized already. */
	readonly model: string;
	/** Path of the calibration pictures: a folder (of class folders), a zip of one, or a video. */
	readonly calibration: string;
	/** Directory the bundle is written to. */
	readonly out: string;
	/** 8 (default): int8 products and convolutions; 6 and 4: fewer values on the same kernels; 32: float. */
	readonly bits?: Bits | 32;
	/** How the ranges of activations are chosen; default `percentile`, and `mse` with fewer than 8 bits. */
	readonly ranges?: RangeMethod;
	/** Whether the classifier becomes integer too; default no. */
	readonly head?: boolean;
	/** Where BatchNorm's moments come from; default `running`. */
	readonly statistics?: Statistics;
	/** Names of the sites that the zeroth-order step perturbs, `*` standing for anything; default as in `planSites`. */
	readonly sites?: readonly string[];
	/** Path of a file with one label a line; default: those beside the model, or the calibration's class folders, sorted. */
	readonly labels?: string;
	/** Needed where neither the model nor JSON beside it says its input size. */
	readonly size?: Size;
	/** What the model was trained with, R, G, B on a scale of 0…1; needed where no JSON beside the model says so. */
	readonly mean?: Normalization["mean"];
	readonly std?: Normalization["std"];
	/** How a frame becomes the model's input; default `stretch`. */
	readonly fit?: Fit;
}

/** What came of it. */
export interface Outcome {
	readonly manifest: Manifest;
	readonly report: Report;
}

/** Below this there is nothing to hold back and statistics mean nothing. */
const FEWEST_PICTURES = 10;

/**
 * Turns an image classifier and calibration pictures into a bundle: open → expose → calibrate → quantize → write.
 * @param progress told one sentence after each step
 * @throws {Mistake} when model, pictures or options are not what was expected
 */
export async function prepare(
	options: PrepareOptions,
	progress: (sentence: string) => void = () => {},
): Promise<Outcome> {
	const { bits = 8, ranges = bits < 8 ? "mse" : "percentile", head = false, statistics = "running" } = options;
	await checkTarget(options.out);
	const beside = await besideModel(options.model);
	const opened = await openModel(options.model, options.size, beside.size);
	const settings = chooseSettings(options, beside, options.model);
	checkBits(opened, bits, options);
	const parts = await findParts(opened).catch(about(options.model));
	const sites = planSites(parts, options.sites);
	const affine = sourceAffine(opened.graph, parts, sites);
	const { size } = opened;
	progress(describeSites(parts, sites, affine.length));
	if (opened.inside)
		progress("the model normalizes its image itself; mean and std are taken for what comes before that");
	const taken = describeSettings(settings);
	if (taken) progress(taken);

	const found = await readPictures(options.calibration, { ...size, fit: settings.fit }, MOST_PICTURES);
	progress(describePictures(found, options.calibration));
	const { labels: file, calibration } = options;
	const sources = { file, beside: settings.labels, besideFile: beside.from.labels, pictures: found, calibration };
	const labels = await chooseLabels(sources, parts.head.classes);
	const samples = labelled(found, labels);
	const [used, heldBack] = [samples.filter((_, i) => !isHeldBack(i)), samples.filter((_, i) => isHeldBack(i))];

	const exposed = expose(opened, parts, sites, settings, statistics);
	const quantizer =
		bits === 32 ? undefined : await calibrated(exposed, parts, { size, affine }, used, { bits, ranges, head });
	const graph = quantizer ? quantizer(exposed) : exposed.graph;

	const session = await openSession(graph);
	try {
		const prepared = { session, size, affine };
		const channels = sites.reduce((sum, site) => sum + site.channels, 0);
		const classes = classesApart(labels.length, channels, samples.length);
		const moments = await gatherStatistics(prepared, samples, classes);
		progress("gathered the source statistics; measuring");
		const measured = await measure(
			{ opened, parts, normalization: settings, exposed, quantizer, graph, prepared },
			heldBack,
		);
		const stages = parts.taps.map(({ shape, axis }) => shape[axis]);
		const report = {
			...measured,
			sites,
			taps: stages.reduce((sum, length) => sum + length, 0),
			parameters: affine.length,
		};
		const source: Source = { affine, ...moments, head: parts.head.matrix };
		const manifest = await writeBundle(
			options.out,
			{
				name: basename(options.model, extname(options.model)),
				labels,
				input: { ...size, order: "gbr", fit: settings.fit },
				affine: affine.length,
				sites,
				taps: { stages },
				stem: stemOf(parts, sites),
				features: parts.head.width,
				bits,
				statistics,
				calibration: {
					frames: samples.length,
					labelled: samples.every(({ label }) => label !== undefined),
					classes,
				},
				report: { frames: report.frames, agreement: report.agreement, maxLogitError: report.logitError.max },
			},
			{ model: encodeModel(graph), look: encodeModel(lookOf(graph, sites[0].channels)) },
			source,
			report,
		);
		progress(`wrote ${options.out}`);
		return { manifest, report };
	} finally {
		await session.close();
	}
}

/** What is quantized already has its bits. */
function checkBits({ grids }: Opened, bits: number, { model, ranges, head }: PrepareOptions): void {
	if (grids.size === 0 || bits === 32) return;
	if (bits !== 8) throw new Mistake(`${model}: is quantized in 8 bits already; expected --bits 8 or 32, got ${bits}`);
	if (ranges || head) throw new Mistake(`${model}: is quantized already; --ranges and --head are for float models`);
}

/** Says which file a mistake is about. */
const about = (path: string) => (error: unknown) => {
	throw error instanceof Mistake ? new Mistake(`${path}: ${error.message}`, { cause: error.cause }) : error;
};

const labelled = ({ pictures }: Pictures, labels: readonly string[]): Sample[] =>
	pictures.map(({ pixels, folder }) => {
		const label = folder === undefined ? -1 : labels.indexOf(folder);
		return label < 0 ? { pixels } : { pixels, label };
	});

/** Channels and positions of what the published detector looks at: of a CNN the stem's own site, else tokens. */
function stemOf({ tokens, stem }: Parts, sites: readonly Site[]): Manifest["stem"] {
	const [{ channels, positions }] = sites;
	if (tokens.tensor === stem.output) return { channels, positions };
	return { channels: tokens.shape[tokens.axis], positions: positionsOf(tokens) - tokens.skip };
}

function describeSites({ family }: Parts, sites: readonly Site[], parameters: number): string {
	const perturbed = sites.filter((site) => site.perturbed).map(({ name }) => name);
	const names = { norm: "LayerNorm", batchnorm: "BatchNorm", conv: "convolution" };
	const counts = (["norm", "batchnorm", "conv"] as const)
		.map((kind) => [sites.filter((site) => site.kind === kind).length, names[kind]] as const)
		.filter(([count]) => count > 0)
		.map(([count, name]) => `${count} ${name}${count === 1 ? "" : "s"}`);
	const list = perturbed.length > 8 ? `${perturbed.length} of them` : perturbed.join(", ") || "none";
	return `found ${family}: the stem and ${counts.join(" and ")} are adaptable, ${parameters} parameters; perturbed: ${list}`;
}

function describePictures({ pictures, skipped }: Pictures, path: string): string {
	if (pictures.length < FEWEST_PICTURES) {
		throw new Mistake(`${path}: expected at least ${FEWEST_PICTURES} calibration pictures, found ${pictures.length}`);
	}
	const broken =
		skipped.length === 0 ? "" : `, skipped ${skipped.length} that cannot be decoded: ${skipped.slice(0, 5).join(", ")}`;
	return `read ${pictures.length} calibration pictures${broken}${skipped.length > 5 ? ", …" : ""}`;
}
