import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder; this file runs as dist/edge/paths.js. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** What comes with the package: the bundled model, the drawn clip with its labels. */
export const bundled = {
	package: join(root, "package.json"),
	model: join(root, "edge/demo/assets/vehicles"),
	clip: join(root, "edge/demo/assets/road.mp4"),
	labels: join(root, "edge/demo/assets/road.labels.json"),
} as const;
