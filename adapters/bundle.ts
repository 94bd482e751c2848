import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { type Bundle, EdgeError, type Manifest, type Source } from "../operators/types.js";

const count = z.number().int().positive();
const index = z.number().int().nonnegative();
const file = z.strictObject({
	// A bundle is one directory; a name that leads out of it is not a bundle's.
	file: z.string().refine((name) => name !== "" && basename(name) === name && name !== "..", "expected a file name"),
	sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"),
});
const array = z.strictObject({ offset: index, shape: z.array(count) });
const MANIFEST = z.strictObject({
	format: z.literal(2),
	name: z.string(),
	model: file,
	look: file,
	source: file.extend({
		arrays: z.strictObject({
			affine: array,
			tapMean: array,
			tapDeviation: array,
			stem: array,
			sites: array,
			stemByClass: array,
			sitesByClass: array,
			features: array,
			head: array,
		}),
	}),
	labels: z.array(z.string()).min(1),
	input: z.strictObject({
		width: count,
		height: count,
		order: z.literal("gbr"),
		fit: z.enum(["stretch", "crop", "pad"]),
	}),
	affine: count,
	sites: z
		.array(
			z.strictObject({
				name: z.string(),
				kind: z.enum(["stem", "norm", "batchnorm", "conv"]),
				channels: count,
				positions: count,
				offset: index,
				perturbed: z.boolean(),
			}),
		)
		.min(1),
	taps: z.strictObject({ stages: z.array(count).min(1) }),
	stem: z.strictObject({ channels: count, positions: count }),
	features: count,
	bits: z.union([z.literal(4), z.literal(6), z.literal(8), z.literal(32)]),
	statistics: z.enum(["running", "batch"]),
	calibration: z.strictObject({ frames: count, labelled: z.boolean(), classes: count }),
	report: z.strictObject({ frames: index, agreement: z.number(), maxLogitError: z.number() }),
});

/** The shapes that the arrays of `source.bin` must have for the model that a manifest describes. */
export function sourceShapes(
	manifest: Omit<Manifest, "format" | "model" | "look" | "source">,
): Record<keyof Source, readonly number[]> {
	const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
	const classes = manifest.labels.length;
	const taps = sum(manifest.taps.stages);
	const sites = sum(manifest.sites.map(({ channels }) => channels));
	const stem = manifest.stem.channels;
	return {
		affine: [manifest.affine],
		tapMean: [taps],
		tapDeviation: [taps],
		stem: [2, stem],
		sites: [2, sites],
		stemByClass: [manifest.calibration.classes, 2, stem],
		sitesByClass: [manifest.calibration.classes, 2, sites],
		features: [manifest.features],
		head: [classes, manifest.features],
	};
}

/**
 * Reads a bundle and checks that it is whole: its format, its files and their hashes, the shape of every array.
 * The model itself is not loaded.
 * @throws {EdgeError} `bundle`, one sentence that names the file and what was expected of it
 */
export async function openBundle(directory: string): Promise<Bundle> {
	const path = join(directory, "manifest.json");
	const refuse = (what: string, cause?: unknown) => new EdgeError("bundle", `${path}: ${what}`, { cause });
	const manifest = parse(await read(path), refuse);
	checkSites(manifest, refuse);
	await readChecked(directory, manifest.model);
	await readChecked(directory, manifest.look);
	const bytes = await readChecked(directory, manifest.source);
	// Copied, because a Buffer may begin at any byte and floats may not.
	const floats = new Float32Array(new Uint8Array(bytes.subarray(0, bytes.length & ~3)).buffer);
	const arrays = Object.entries(sourceShapes(manifest)).map(([name, expected]) => {
		const { offset, shape } = manifest.source.arrays[name as keyof Source];
		if (shape.join() !== expected.join()) {
			throw refuse(`source.arrays.${name}: expected shape [${expected}], found [${shape}]`);
		}
		const end = offset + shape.reduce((product, length) => product * length, 1);
		if (end > floats.length) {
			throw refuse(`source.arrays.${name}: ends at float ${end}, but ${manifest.source.file} has ${floats.length}`);
		}
		return [name, floats.slice(offset, end)];
	});
	return { directory, manifest, source: Object.fromEntries(arrays) as unknown as Source };
}

type Refuse = (what: string, cause?: unknown) => EdgeError;

function parse(bytes: Buffer, refuse: Refuse): Manifest {
	let json: unknown;
	try {
		json = JSON.parse(bytes.toString());
	} catch (cause) {
		throw refuse("expected JSON", cause);
	}
	const format = (json as { format?: unknown } | null)?.format;
	if (format !== 2) throw refuse(`expected format 2, found ${JSON.stringify(format)}; prepare the model again`);
	const parsed = MANIFEST.safeParse(json);
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw refuse(`${issue.path.join(".")}: ${issue.message}`);
}

function checkSites({ sites, affine }: Manifest, refuse: Refuse): void {
	let offset = 0;
	for (const [i, site] of sites.entries()) {
		if (site.offset !== offset) throw refuse(`sites.${i}.offset: expected ${offset}, found ${site.offset}`);
		if ((site.kind === "stem") !== (i === 0)) throw refuse(`sites.${i}.kind: expected the stem first and only there`);
		offset += 2 * site.channels;
	}
	if (affine !== offset) throw refuse(`affine: expected ${offset}, twice the sites' channels, found ${affine}`);
}

async function readChecked(directory: string, { file, sha256 }: { file: string; sha256: string }): Promise<Buffer> {
	const path = join(directory, file);
	const bytes = await read(path);
	const found = createHash("sha256").update(bytes).digest("hex");
	if (found === sha256) return bytes;
	throw new EdgeError("bundle", `${path}: expected sha256 ${sha256} as in manifest.json, found ${found}`);
}

async function read(path: string): Promise<Buffer> {
	try {
		return await readFile(path);
	} catch (cause) {
		const code = (cause as NodeJS.ErrnoException).code;
		const why = code === "ENOENT" ? "no such file" : `cannot be read (${code})`;
		throw new EdgeError("bundle", `${path}: ${why}; expected part of a bundle that \`acclimate prepare\` wrote`, {
			cause,
		});
	}
}
