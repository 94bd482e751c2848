import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { Fleet } from "./fleet.js";

/**
 * Keys in which two configurations differ, cameras apart: what they say is read at the start only. Keys alone, because
 * values may be secret.
 */
export const restartKeys = (now: Config, next: Config): string[] => {
	const { cameras: _, ...one } = now;
	const { cameras: __, ...other } = next;
	return differing("", one, other);
};

const differing = (path: string, one: unknown, other: unknown): string[] => {
	if (isDeepStrictEqual(one, other)) return [];
	if (!isMapping(one) || !isMapping(other)) return [path];
	const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
	return [...keys].flatMap((key) => differing(path === "" ? key : `${path}.${key}`, one[key], other[key]));
};

const isMapping = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

export interface Reloading {
	/** The configuration that the run was started with. */
	readonly config: Config;
	/**
	 * Reads the file anew.
	 * @throws {ConfigMistakes}
	 */
	readonly load: () => Promise<Config>;
	readonly fleet: Fleet;
	readonly log: Logger;
	/** Told when it begins and when it is over. */
	readonly onBegin: () => void;
	readonly onEnd: () => void;
}

/**
 * Takes the file's cameras up. A file with mistakes changes nothing, which is said, as it is of every key that is different
 * and needs a restart.
 */
export const reload = async ({ config, load, fleet, log, onBegin, onEnd }: Reloading): Promise<void> => {
	onBegin();
	try {
		const next = await load();
		const keys = restartKeys(config, next);
		if (keys.length > 0) log.warn({ keys }, `needs a restart: ${keys.join(", ")}`);
		log.info(await fleet.become(next.cameras), "the configuration was read again");
	} catch (error) {
		log.error(`the configuration was read again and nothing changed: ${(error as Error).message}`);
	} finally {
		onEnd();
	}
};
