import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { corruptionOf } from "../../eval/corruptions/corruptions.js";
import { toImage, toPixels } from "../../eval/pictures.js";
import { randomOf } from "../../eval/random.js";
import { domainOf } from "../../eval/streams.js";
import { bundled } from "../../paths.js";
import { decodePictures } from "../../prepare/calibrate/images.js";

const SIDE = 64;

/**
 * Writes all real pictures under a corruption, those of training and those held back, for ceiling.py: planes G, B, R one
 * picture after the other, and the names beside them, a line each.
 */
const main = async (): Promise<void> => {
	const options = { real: { type: "string" }, corruption: { type: "string" }, out: { type: "string" } } as const;
	const { real, corruption: typed, out } = parseArgs({ options }).values;
	if (!real || !typed || !out) throw new Error("--real ZIP, --corruption NAME[:SEVERITY] and --out FOLDER are wanted");
	const { corruption: name, severity } = domainOf(typed);
	const corruption = corruptionOf(name ?? "");
	if (corruption.kind === "clip") throw new Error(`${name} is for clips; a corruption of pictures is wanted`);
	const heldBack = new Set((await readFile(bundled.heldBack, "utf8")).split(/\s+/));
	const blank = (): { names: string[]; pictures: Uint8Array[] } => ({ names: [], pictures: [] });
	const parts = { train: blank(), test: blank() };
	const input = { width: SIDE, height: SIDE, order: "gbr", fit: "stretch" } as const;
	let seed = 0;
	for await (const { name: own, pixels } of decodePictures(real, input, 100_000, () => true)) {
		if (!pixels) continue;
		const part = heldBack.has(own) ? parts.test : parts.train;
		part.names.push(own);
		part.pictures.push(toPixels(corruption.apply(toImage(pixels, SIDE, SIDE), severity, randomOf(1, seed++))));
	}
	for (const [part, { names, pictures }] of Object.entries(parts)) {
		await writeFile(join(out, `${part}.raw`), Buffer.concat(pictures));
		await writeFile(join(out, `${part}.txt`), names.join("\n"));
	}
};

await main();
