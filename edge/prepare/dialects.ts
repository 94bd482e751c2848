/** What JSON files of timm, of Hugging Face and of our own say about how a model wants its pictures. */

import type { Fit } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import type { Normalization } from "./expose/image.js";
import {
	type Fields,
	inputSize,
	isFields,
	oneOf,
	positive,
	type Read,
	reading,
	refusal,
	side,
	type Triple,
	triple,
	words,
	yesOrNo,
} from "./fields.js";
import type { Size } from "./open/open.js";

/** What one file says; a key is absent where it says nothing of it. */
export interface Told {
	/** Of R, G, B on a scale of 0…1, as in (pixel / 255 − mean) / std. Not yet checked for being sensible. */
	readonly mean?: Normalization["mean"];
	readonly std?: Normalization["std"];
	/** Pixels. */
	readonly size?: Size;
	readonly fit?: Fit;
	/** Names of the classes in the order of the model's outputs. */
	readonly labels?: readonly string[];
}

const FITS: Readonly<Record<string, Fit>> = { stretch: "stretch", crop: "crop", pad: "pad" };
/** timm's words for the same. */
const CROP_MODES: Readonly<Record<string, Fit>> = { squash: "stretch", center: "crop", border: "pad" };

/**
 * What a file says, in whichever of these dialects: our own keys `mean`, `std`, `size`, `fit` and `labels`; a `config.json` of
 * timm; a `preprocessor_config.json` and a `config.json` of Hugging Face. A file may mix them, what is named first wins.
 * @param own whether the file is named after the model, so that such common words as `size` and `labels` are meant for us
 * @throws {Mistake} naming file and key when a known key holds what it should not; a file without known keys says nothing
 */
export function understand(json: unknown, file: string, own: boolean): Told {
	if (!isFields(json)) return {};
	const read = reading(json, file);
	const nested = isFields(json.pretrained_cfg) ? reading(json.pretrained_cfg, file, "pretrained_cfg.") : undefined;
	return firstOf(
		own ? ours(read, !isProcessor(json)) : {},
		nested ? timm(nested) : {},
		timm(read),
		isProcessor(json) ? processor(read) : {},
		classifier(read, "model_type" in json),
	);
}

/** A key of the first source that has it, for every key. */
export const firstOf = (...sources: readonly { readonly [K in keyof Told]: Told[K] | undefined }[]): Told =>
	Object.assign(
		{},
		...sources.toReversed().map((told) => Object.fromEntries(Object.entries(told).filter(([, value]) => value))),
	);

/** Hugging Face's `size` is one of many things. */
const ours = (read: Read, plain: boolean) => ({
	size: plain ? read("size", side) : undefined,
	fit: read("fit", oneOf(FITS)),
	labels: read("labels", words),
});

/** timm says `crop_pct` too: it cuts off an edge that the frames of a camera keep. */
const timm = (read: Read) => ({
	mean: read("mean", triple),
	std: read("std", triple),
	size: read("input_size", inputSize),
	fit: read("crop_mode", oneOf(CROP_MODES)),
	labels: read("label_names", words),
});

const classifier = (read: Read, certain: boolean) => ({
	labels: read("id2label", words),
	size: certain ? read("image_size", side) : undefined,
});

const isProcessor = (json: Fields) =>
	[
		"image_processor_type",
		"feature_extractor_type",
		"image_mean",
		"image_std",
		"do_normalize",
		"do_rescale",
		"do_resize",
	].some((key) => key in json);

function processor(read: Read) {
	read("do_flip_channel_order", (value, where) => {
		if (yesOrNo(value, where))
			throw new Mistake(`${where}: expected a model that takes R, G, B, and this takes B, G, R`);
	});
	return { ...normalization(read), ...fitting(read) };
}

/** Hugging Face's (pixel · factor − offset − mean) / std, brought to pixels on a scale of 0…1. */
function normalization(read: Read): Pick<Told, "mean" | "std"> {
	const told = { mean: read("image_mean", triple), std: read("image_std", triple) };
	const normalizes = read("do_normalize", yesOrNo) ?? true;
	if (normalizes && !told.mean && !told.std) return {};
	if (normalizes && !told.mean) return read("image_std", refusal("image_mean beside it")) ?? {};
	if (normalizes && !told.std) return read("image_mean", refusal("image_std beside it")) ?? {};
	const { mean, std } = normalizes ? (told as Normalization) : ({ mean: [0, 0, 0], std: [1, 1, 1] } as const);
	const rescales = read("do_rescale", yesOrNo) ?? true;
	const factor = 255 * (rescales ? (read("rescale_factor", positive) ?? 1 / 255) : 1);
	// 1/255 is written with 17 digits: what is meant is 1.
	const scale = Math.abs(factor - 1) < 1e-6 ? 1 : factor;
	const offset = rescales && read("rescale_offset", yesOrNo) ? 1 : 0;
	// EfficientNet divides by its deviations once more before a classifier: in its file stand their square roots.
	const twice = normalizes && read("include_top", yesOrNo);
	return {
		mean: mean.map((value) => (value + offset) / scale) as unknown as Triple,
		std: std.map((value) => (twice ? value * value : value) / scale) as unknown as Triple,
	};
}

function fitting(read: Read): { size?: Size | undefined; fit?: Fit } {
	const cut = read("crop_size", side);
	const crops = read("do_center_crop", yesOrNo) ?? cut !== undefined;
	if (crops && cut) return { size: cut, fit: "crop" };
	if (read("do_resize", yesOrNo) === false) return {};
	const edge = read("size", (value, where) => (isFields(value) ? shortestEdge(value, where) : undefined));
	if (edge) {
		// ConvNeXt crops small pictures only: from 384 on it distorts them, without saying so in its file.
		const distorts = edge.height >= 384 && read("crop_pct", Number) !== undefined;
		return { size: edge, fit: distorts ? "stretch" : "crop" };
	}
	const size = read("size", (value, where) => (isSide(value) ? side(value, where) : undefined));
	return size ? { size, fit: crops ? "crop" : "stretch" } : {};
}

const shortestEdge = (size: Fields, where: string) =>
	"shortest_edge" in size && !("longest_edge" in size) ? side(size.shortest_edge, `${where}.shortest_edge`) : undefined;

/** Sizes of other kinds (the longest edge, a number of patches) do not say what the model's input is. */
const isSide = (value: unknown) => !isFields(value) || "height" in value || "width" in value;
