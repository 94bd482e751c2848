import type { CameraConfig, Config } from "./schema.js";

/** What stands in the place of a secret. */
export const STARS = "***";

/** A text with whatever could be a credential of a URL taken out: all before the last `@`, and the query. */
export function masked(text: string): string {
	// Greedy and without a parser, because the texts that mistakes quote need not be well-formed URLs.
	return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, `$1${STARS}@`).replace(/\?.*$/s, `?${STARS}`);
}

/** The configuration as it may be printed: without the password and without the credentials of URLs. */
export function shown(config: Config): Config {
	const cameras = Object.entries(config.cameras).map(([name, camera]) => [
		name,
		{ ...camera, source: bare(camera.source) },
	]);
	const masking: Config = { ...config, cameras: Object.fromEntries(cameras) };
	if (config.mqtt === undefined) return masking;
	const mqtt = { ...config.mqtt, url: masked(config.mqtt.url) };
	if (mqtt.password !== undefined) mqtt.password = STARS;
	return { ...masking, mqtt };
}

const bare = (source: CameraConfig["source"]) =>
	source.kind === "stream" ? { ...source, url: masked(source.url) } : source;
