import { openBundle } from "../adapters/bundle.js";
import { openCamera } from "../adapters/camera.js";
import type { Config } from "../config/schema.js";
import { EdgeError } from "../operators/types.js";
import { Mistake } from "./mistake.js";
import { bundled } from "./paths.js";
import { cameraOptions } from "./run.js";

/**
 * Tries what a configuration names: the model's bundle, and a first frame of every camera that is switched on.
 * @throws {Mistake} with a line for each that does not work
 */
export const check = async (file: string, config: Config): Promise<void> => {
	const problems: string[] = [];
	const attempt = async (key: string, trial: () => Promise<void>) => {
		try {
			await trial();
		} catch (error) {
			if (!(error instanceof EdgeError)) throw error;
			problems.push(`${file}  ${key}: ${error.message}`);
		}
	};
	await attempt("model", async () => {
		const bundle = await openBundle(config.model ?? bundled.model);
		for (const [name, camera] of Object.entries(config.cameras))
			if (camera.enabled)
				await attempt(`cameras.${name}`, async () => {
					const opened = await openCamera(cameraOptions(camera, bundle));
					try {
						await opened.take(1, 0);
					} finally {
						await opened.close();
					}
				});
	});
	if (problems.length > 0) throw new Mistake(problems.join("\n"));
};
