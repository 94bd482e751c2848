/** How pictures become the model's input, and what its classes are called: from flags, else from JSON beside the model. */

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Fit } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { firstOf, type Told, understand } from "./dialects.js";
import type { Normalization } from "./expose/image.js";

/** What the files beside a model say, all together. */
export interface Beside extends Told {
	/** The file that each key was taken from. */
	readonly from: Readonly<Partial<Record<keyof Told, string>>>;
}

/** What the user said; a key is absent or undefined where nothing was said. */
export interface Said {
	readonly mean?: Normalization["mean"] | undefined;
	readonly std?: Normalization["std"] | undefined;
	readonly size?: Told["size"] | undefined;
	readonly fit?: Fit | undefined;
	/** Path of a file of labels. It is not read here; the labels beside the model are left out where it is given. */
	readonly labels?: string | undefined;
}

/** What holds after all; `from` names only the keys that came from a file. */
export interface Settings extends Beside {
	readonly mean: Normalization["mean"];
	readonly std: Normalization["std"];
	readonly fit: Fit;
}

const KEYS = ["mean", "std", "size", "fit", "labels"] as const;

/** Bytes. The 21 842 classes of ImageNet-21k, twice as Hugging Face writes them, take two million. */
const MOST_BYTES = 8 * 2 ** 20;

/**
 * Reads what lies beside a model. Where two files speak of the same, the more specific one holds:
 * `<model>.json`, then `preprocessor_config.json`, then `config.json`; and all three of the model's own folder before those of
 * the folder above, which is asked where the model lies in one called `onnx`, as Hugging Face arranges it.
 * @param model path of the model; it need not exist
 * @throws {Mistake} when one of the files is no JSON or too long, or a key that is known holds what it should not
 */
export async function besideModel(model: string): Promise<Beside> {
	const own = `${basename(model, extname(model))}.json`;
	const folder = dirname(model);
	const folders = basename(folder) === "onnx" ? [folder, dirname(folder)] : [folder];
	const names = [...new Set([own, "preprocessor_config.json", "config.json"])];
	const files = folders.flatMap((directory) =>
		names.map((name) => ({ path: join(directory, name), own: name === own })),
	);
	const found = await Promise.all(
		files.map(async ({ path, own }) => ({ path, told: understand(await readJson(path), path, own) })),
	);
	const from = KEYS.flatMap((key) => {
		const first = found.find(({ told }) => told[key]);
		return first ? [[key, first.path]] : [];
	});
	return { ...firstOf(...found.map(({ told }) => told)), from: Object.fromEntries(from) };
}

/**
 * What the user said, and where that leaves something open what lies beside the model. The fit is `stretch` where nobody says.
 * @throws {Mistake} when nobody says how pixels were normalized, or when it cannot have been so
 */
export function chooseSettings(said: Said, beside: Beside, model: string): Settings {
	const flags = { ...said, labels: undefined };
	const files = said.labels === undefined ? beside : { ...beside, labels: undefined };
	const { mean, std, fit = "stretch", ...rest } = firstOf(flags, files);
	if (!mean || !std) throw new Mistake(unknownNormalization(model, [mean ? [] : "--mean", std ? [] : "--std"].flat()));
	const source = (key: "mean" | "std") => (said[key] ? `--${key}` : `${beside.from[key]}: ${key}`);
	if (!isTriple(mean, -2, 2))
		throw new Mistake(`${source("mean")} ${mean}: expected three numbers on a scale of 0 to 1`);
	if (!isTriple(std, LEAST_STD, 2)) {
		throw new Mistake(`${source("std")} ${std}: expected three numbers on a scale of 0 to 1, each std above 0`);
	}
	const from = Object.entries(beside.from).filter(([key]) => said[key as keyof Said] === undefined);
	return { mean, std, fit, ...rest, from: Object.fromEntries(from) };
}

/** What was taken from which file, for the user to see; undefined where nothing was. */
export function describeSettings({ from }: Pick<Settings, "from">): string | undefined {
	const files = [...new Set(Object.values(from))];
	const parts = files.map((file) => `${KEYS.filter((key) => from[key] === file).join(", ")} from ${file}`);
	return parts.length === 0 ? undefined : `took ${parts.join(" and ")}`;
}

/** A model of 16-bit levels would have 1/65535. */
const LEAST_STD = 1e-6;

const isTriple = (values: readonly number[], least: number, most: number) =>
	values.length === 3 && values.every((value) => value >= least && value <= most);

const unknownNormalization = (model: string, missing: readonly string[]) =>
	`${model}: neither ${missing.join(" and ")} nor a JSON file beside it says how pixels were normalized; ` +
	"most ImageNet models take --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 or --mean 0.5 --std 0.5, " +
	"those that take 0..255 --mean 0 --std 1/255, those that normalize 0..1 themselves --mean 0 --std 1";

/** A file's JSON; undefined where there is no such file. */
async function readJson(path: string): Promise<unknown> {
	const unreadable = (cause: NodeJS.ErrnoException) => {
		if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
		throw new Mistake(`${path}: cannot be read (${cause.code})`, { cause });
	};
	const found = await stat(path).catch(unreadable);
	if (!found?.isFile()) return undefined;
	if (found.size > MOST_BYTES) {
		throw new Mistake(`${path}: expected settings of at most ${MOST_BYTES / 2 ** 20} MB, found ${found.size} bytes`);
	}
	const text = await readFile(path, "utf8").catch(unreadable);
	if (text === undefined) return undefined;
	try {
		return JSON.parse(text.replace(/^\uFEFF/, ""));
	} catch (cause) {
		throw new Mistake(`${path}: expected JSON`, { cause });
	}
}
