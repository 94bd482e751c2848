import { openBundle } from "../adapters/bundle.js";
import { type CameraOptions, openCamera } from "../adapters/camera.js";
import type { Config } from "../config/schema.js";
import { EdgeError } from "../operators/types.js";
import { Mistake } from "./mistake.js";
import { filesOf } from "./mqtt/tls.js";
import { bundled } from "./paths.js";
import { cameraOptions } from "./run.js";

/**
 * Tries what a configuration names: the model's bundle, and a first frame of every camera that is switched on.
 * @throws {Mistake} with a line for each that does not work
 */
export const check = async (file: string, config: Config): Promise<void> => {
	const keys: string[] = [];
	const problems = new Map<string, string>();
	const attempt = async (key: string, trial: () => Promise<void>) => {
		keys.push(key);
		try {
			await trial();
		} catch (error) {
			if (!(error instanceof EdgeError)) throw error;
			problems.set(key, `${file}  ${key}: ${error.message}`);
		}
	};
	await attempt("mqtt.tls", async () => void (config.mqtt?.tls && filesOf(config.mqtt.tls)));
	await attempt("model", async () => {
		const bundle = await openBundle(config.model ?? bundled.model);
		const enabled = Object.entries(config.cameras).filter(([, camera]) => camera.enabled);
		// Side by side: many that do not answer would else take as many times as long.
		await Promise.all(
			enabled.map(([name, camera]) =>
				attempt(`cameras.${name}`, () =>
					seen({ ...cameraOptions(camera, bundle), stall: Math.min(camera.stall, PATIENCE) }),
				),
			),
		);
	});
	const said = keys.flatMap((key) => problems.get(key) ?? []);
	if (said.length > 0) throw new Mistake(said.join("\n"));
};

/** Milliseconds that a camera gets for its first frame. */
const PATIENCE = 15_000;

/** Resolves when the source has shown a frame. */
const seen = async (options: CameraOptions): Promise<void> => {
	const camera = await openCamera(options);
	try {
		await camera.take(1, 0);
	} finally {
		await camera.close();
	}
};
