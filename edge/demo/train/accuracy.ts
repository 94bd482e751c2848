import { parseArgs } from "node:util";
import { openBundle } from "../../../adapters/bundle.js";
import { openModel } from "../../../adapters/model.js";
import { argmax, rows } from "../../../operators/zoa/vector.js";
import { readPictures } from "../../prepare/calibrate/images.js";

/** Prints the accuracy of a bundle, not adapting, on a folder of class folders. */
const main = async (): Promise<void> => {
	const { values } = parseArgs({ options: { bundle: { type: "string" }, images: { type: "string" } } });
	if (!values.bundle || !values.images) throw new Error("--bundle FOLDER and --images FOLDER are wanted");
	const bundle = await openBundle(values.bundle);
	const { labels, input } = bundle.manifest;
	const model = await openModel(bundle, {});
	const { pictures } = await readPictures(values.images, input, 100_000);
	let right = 0;
	for (const { pixels, folder } of pictures) {
		const { logits } = await model.forward(pixels.slice(), bundle.source.affine);
		for (const row of rows(logits, labels.length)) if (labels[argmax(row)] === folder) right++;
	}
	await model.close();
	console.log(`${((100 * right) / pictures.length).toFixed(2)} % of ${pictures.length} pictures`);
};

await main();
