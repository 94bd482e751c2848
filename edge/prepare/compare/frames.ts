import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBundle } from "../../../adapters/bundle.js";
import { type Picture, readPictures } from "../calibrate/images.js";
import { isHeldBack, MOST_FOR_RANGES, MOST_PICTURES } from "../calibrate/samples.js";

/**
 * Writes what `acclimate prepare` saw, and pictures to measure on, as arrays that numpy reads: uint8 [N,3,H,W] in the order of
 * the bundle's planes, and the classes of the pictures.
 */
const main = async (): Promise<void> => {
	const option = { type: "string" } as const;
	const { values } = parseArgs({ options: { bundle: option, calibration: option, images: option, out: option } });
	const { bundle, calibration, images, out } = values;
	if (!bundle || !calibration || !images || !out)
		throw new Error("--bundle FOLDER, --calibration FOLDER, --images FOLDER and --out FOLDER are wanted");
	const { input, labels, report } = (await openBundle(bundle)).manifest;
	const { pictures } = await readPictures(calibration, input, MOST_PICTURES);
	const heldBack = pictures.filter((_, i) => isHeldBack(i));
	if (heldBack.length !== report.frames)
		throw new Error(`${heldBack.length} pictures are held back; the bundle's report is of ${report.frames}`);
	const measured = await readPictures(images, input, 100_000);
	await mkdir(out, { recursive: true });
	const write = (name: string, shape: readonly number[], chunks: readonly Uint8Array[]) =>
		writeFile(join(out, `${name}.npy`), Buffer.concat([header(shape), ...chunks]));
	const writePictures = (name: string, all: readonly Picture[]) =>
		write(
			name,
			[all.length, 3, input.height, input.width],
			all.map(({ pixels }) => pixels),
		);
	await writePictures("ranges", pictures.filter((_, i) => !isHeldBack(i)).slice(0, MOST_FOR_RANGES));
	await writePictures("heldback", heldBack);
	await writePictures("images", measured.pictures);
	const classes = measured.pictures.map(({ folder }) => labels.indexOf(folder ?? ""));
	if (classes.includes(-1)) throw new Error(`${images}: expected a folder for each of ${labels.join(", ")}`);
	await write("classes", [classes.length], [Uint8Array.from(classes)]);
	console.log(`${pictures.length} calibration pictures, ${classes.length} to measure on, written to ${out}`);
};

/** Header of an array of bytes in numpy's format, padded to a multiple of 64 bytes. */
const header = (shape: readonly number[]): Buffer => {
	const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
	const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
	const start = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
	start.writeUInt16LE(padded.length, 8);
	return Buffer.concat([start, Buffer.from(padded, "latin1")]);
};

await main();
