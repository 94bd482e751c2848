import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sourceShapes } from "../../adapters/bundle.js";
import type { Manifest, Source } from "../../operators/types.js";

/** A manifest before the files it speaks of are written. */
export type Description = Omit<Manifest, "format" | "model" | "source">;

/** Writes a bundle that `openBundle` reads; the manifest comes last, so that a half-written bundle is not one. */
export async function writeBundle(
	directory: string,
	description: Description,
	model: Uint8Array,
	source: Source,
): Promise<Manifest> {
	const shapes = Object.entries(sourceShapes({ ...description, format: 1, model: { file: "", sha256: "" } }));
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
		format: 1,
		...description,
		model: { file: "model.onnx", sha256: sha256(model) },
		source: {
			file: "source.bin",
			sha256: sha256(bytes),
			arrays: Object.fromEntries(arrays) as Manifest["source"]["arrays"],
		},
	};
	await mkdir(directory, { recursive: true });
	await rm(join(directory, "manifest.json"), { force: true });
	await writeFile(join(directory, manifest.model.file), model);
	await writeFile(join(directory, manifest.source.file), bytes);
	await writeFile(join(directory, "manifest.json"), `${JSON.stringify(manifest, null, "\t")}\n`);
	return manifest;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
