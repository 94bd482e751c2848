import { createHash } from "node:crypto";
import { sourceShapes } from "../../adapters/bundle.js";
import type { Manifest, Source } from "../../operators/types.js";
import { encodeReport, REPORT_FILE, type Report } from "./report.js";
import { replaceFolder } from "./target.js";

export { checkTarget } from "./target.js";

/** A manifest before the files it speaks of are written. */
export type Description = Omit<Manifest, "format" | "model" | "look" | "source">;

/** A bundle's graphs, encoded. */
export interface Graphs {
	readonly model: Uint8Array;
	readonly look: Uint8Array;
}

/**
 * Writes a bundle that `openBundle` reads, in the place of the one that may be there: all of it or nothing.
 * @throws {Mistake} when `directory` is no place for a bundle, see `checkTarget`
 * @throws {EdgeError} `bundle` when the disk is full or the like; what was there is then as it was
 */
export async function writeBundle(
	directory: string,
	description: Description,
	{ model, look }: Graphs,
	source: Source,
	report: Report,
): Promise<Manifest> {
	const shapes = Object.entries(sourceShapes(description));
	let offset = 0;
	const arrays = shapes.map(([name, shape]) => {
		const start = offset;
		offset += shape.reduce((product, length) => product * length, 1);
		return [name, { offset: start, shape }] as const;
	});
	const floats = new Float32Array(offset);
	for (const [name, { offset: start }] of arrays) floats.set(source[name as keyof Source], start);
	const bytes = new Uint8Array(floats.buffer);
	const manifest: Manifest = {
		format: 2,
		...description,
		model: { file: "model.onnx", sha256: sha256(model) },
		look: { file: "look.onnx", sha256: sha256(look) },
		source: {
			file: "source.bin",
			sha256: sha256(bytes),
			arrays: Object.fromEntries(arrays) as Manifest["source"]["arrays"],
		},
	};
	await replaceFolder(directory, async (write) => {
		await write(manifest.model.file, model);
		await write(manifest.look.file, look);
		await write(manifest.source.file, bytes);
		await write(REPORT_FILE, encodeReport(report));
		await write("manifest.json", `${JSON.stringify(manifest, null, "\t")}\n`);
	});
	return manifest;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
