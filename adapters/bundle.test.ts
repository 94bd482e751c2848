import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { EdgeError, type Manifest, type Source } from "../operators/types.js";
import { openBundle, sourceShapes } from "./bundle.js";
import { memoryBundle } from "./model.memory.js";

const MODEL = Buffer.from("the model's bytes");
const LOOK = Buffer.from("a look");
const { manifest: described, source } = memoryBundle();
const names = Object.keys(sourceShapes(described)) as (keyof Source)[];
const floats = Float32Array.from(names.flatMap((name) => [...source[name]]));
const SOURCE = Buffer.from(floats.buffer);

/** A manifest that fits MODEL and SOURCE; typed loosely, so that cases can spoil it. */
// biome-ignore lint/suspicious/noExplicitAny: cases put what no manifest may hold
const whole = (): any => {
	const shapes = sourceShapes(described);
	let offset = 0;
	const arrays = Object.fromEntries(
		names.map((name) => {
			const start = offset;
			offset += source[name].length;
			return [name, { offset: start, shape: shapes[name] }];
		}),
	);
	const manifest: Manifest = {
		...described,
		model: { file: "model.onnx", sha256: sha256(MODEL) },
		look: { file: "look.onnx", sha256: sha256(LOOK) },
		source: { file: "source.bin", sha256: sha256(SOURCE), arrays: arrays as Manifest["source"]["arrays"] },
	};
	return structuredClone(manifest);
};

describe("openBundle", () => {
	it("reads the manifest and every array of the source", async () => {
		await inDirectory({}, async (directory) => {
			const bundle = await openBundle(directory);
			assert.equal(bundle.directory, directory);
			assert.deepEqual(bundle.manifest, whole());
			assert.deepEqual(bundle.source, source);
		});
	});

	const refusals: [string, Files, RegExp][] = [
		["a directory without manifest", { manifest: null }, /manifest\.json: no such file; expected part of a bundle/],
		["a manifest that is not JSON", { manifest: "format: 1" }, /manifest\.json: expected JSON$/],
		["a manifest that is null", { manifest: "null" }, /expected format 2, found undefined/],
		["another format", spoiled((m) => (m.format = 1)), /expected format 2, found 1; prepare the model again/],
		["a manifest without labels", spoiled((m) => (m.labels = [])), /manifest\.json: labels: /],
		[
			"a field of the wrong type",
			spoiled((m) => (m.input.width = "64")),
			/manifest\.json: input\.width: .*expected number/,
		],
		[
			"a model outside of the bundle",
			spoiled((m) => (m.model.file = "../model.onnx")),
			/model\.file: expected a file name/,
		],
		["a missing model", { model: null }, /model\.onnx: no such file/],
		["a missing look", { look: null }, /look\.onnx: no such file/],
		["a missing source", { source: null }, /source\.bin: no such file/],
		[
			"a changed model",
			{ model: "another model" },
			/model\.onnx: expected sha256 [0-9a-f]{64} as in manifest\.json, found [0-9a-f]{64}$/,
		],
		["a cut-off source", { source: SOURCE.subarray(8) }, /source\.bin: expected sha256/],
		[
			"an array of another shape",
			spoiled((m) => (m.source.arrays.head.shape = [4, 3])),
			/source\.arrays\.head: expected shape \[3,4\], found \[4,3\]/,
		],
		[
			"an array that ends outside",
			spoiled((m) => (m.source.arrays.head.offset += 1)),
			/source\.arrays\.head: ends at float \d+, but source\.bin has \d+/,
		],
		["an array that is left out", spoiled((m) => delete m.source.arrays.stem), /source\.arrays\.stem: /],
		["sites with a gap", spoiled((m) => (m.sites[1].offset += 1)), /sites\.1\.offset: expected 8, found 9/],
		[
			"sites that do not begin with the stem",
			spoiled((m) => (m.sites[0].kind = "norm")),
			/sites\.0\.kind: expected the stem first/,
		],
		[
			"sites that do not fill the affine",
			spoiled((m) => (m.affine += 2)),
			/affine: expected 24, twice the sites' channels, found 26/,
		],
	];
	for (const [what, files, message] of refusals) {
		it(`refuses ${what}`, () =>
			inDirectory(files, (directory) =>
				assert.rejects(openBundle(directory), (error) => {
					assert.ok(error instanceof EdgeError);
					assert.equal(error.code, "bundle");
					assert.match(error.message, message);
					assert.ok(error.message.startsWith(directory), error.message);
					return true;
				}),
			));
	}
});

/** What a bundle's files hold where that is not as it should be; null: the file is missing. */
interface Files {
	readonly manifest?: string | null;
	readonly model?: string | null;
	readonly look?: Buffer | null;
	readonly source?: Buffer | null;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function spoiled(change: (manifest: any) => void): Files {
	const manifest = whole();
	change(manifest);
	return { manifest: JSON.stringify(manifest) };
}

async function inDirectory(files: Files, test: (directory: string) => Promise<void>): Promise<void> {
	const directory = await mkdtemp(join(tmpdir(), "acclimate-bundle-"));
	const { manifest = JSON.stringify(whole()), model = MODEL, look = LOOK, source: bytes = SOURCE } = files;
	try {
		if (manifest !== null) await writeFile(join(directory, "manifest.json"), manifest);
		if (model !== null) await writeFile(join(directory, "model.onnx"), model);
		if (look !== null) await writeFile(join(directory, "look.onnx"), look);
		if (bytes !== null) await writeFile(join(directory, "source.bin"), bytes);
		await test(directory);
	} finally {
		await rm(directory, { recursive: true });
	}
}

function sha256(bytes: Buffer): string {
	return createHash("sha256").update(bytes).digest("hex");
}
