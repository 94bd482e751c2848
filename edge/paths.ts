import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder; this file runs as dist/edge/paths.js. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of the bundled models, by the names that `--model` takes. */
const models = {
	vit: join(root, "edge/demo/assets/vehicles"),
	cnn: join(root, "edge/demo/assets/vehicles-cnn"),
} as const;

/** What comes with the package: the bundled models and which is used by default, the drawn clip with its labels. */
export const bundled = {
	package: join(root, "package.json"),
	models,
	model: models.vit,
	clip: join(root, "edge/demo/assets/road.mp4"),
	labels: join(root, "edge/demo/assets/road.labels.json"),
	/** Pictures, by class and name, that neither of the models was trained on. */
	heldBack: join(root, "edge/demo/train/holdout.txt"),
} as const;

/** Of this program. */
export const { version }: { readonly version: string } = JSON.parse(readFileSync(bundled.package, "utf8"));

export type BundledModel = keyof typeof models;
