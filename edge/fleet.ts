import { isDeepStrictEqual } from "node:util";
import type { CameraConfig, Config } from "../config/schema.js";
import { EdgeError } from "../operators/types.js";

/** The cameras that are watched, as the configuration has them at this moment. */
export interface Fleet {
	/**
	 * Ends cameras that are no longer there, starts new ones, and ends and starts those that are configured in another way;
	 * the others notice nothing. Resolves when that has been done.
	 */
	become(cameras: Config["cameras"]): Promise<Change>;
	/**
	 * Resolves when no camera is watched any more: one sentence for each that ended before its time.
	 * @throws whatever ended a camera and is no fault of the world
	 */
	ended(): Promise<readonly string[]>;
}

/** Names of cameras. */
export interface Change {
	readonly added: readonly string[];
	readonly removed: readonly string[];
	readonly changed: readonly string[];
}

/** Watches one camera until it ends, the configuration has no more need of it, or it fails. */
export type Watcher = (name: string, camera: CameraConfig, unwanted: AbortSignal) => Promise<void>;

interface Watched {
	readonly camera: CameraConfig;
	readonly unwanted: AbortController;
	/** Resolves, never rejects, with what went wrong. */
	readonly end: Promise<unknown>;
}

export const openFleet = (watcher: Watcher): Fleet => {
	const fleet = new Map<string, Watched>();
	let changing: Promise<unknown> = Promise.resolve();

	const start = (name: string, camera: CameraConfig) => {
		const unwanted = new AbortController();
		const end = watcher(name, camera, unwanted.signal).then(
			() => undefined,
			(error: unknown) => error,
		);
		fleet.set(name, { camera, unwanted, end });
	};

	const change = async (cameras: Config["cameras"]): Promise<Change> => {
		const names = Object.keys(cameras);
		const removed = [...fleet.keys()].filter((name) => !Object.hasOwn(cameras, name));
		const added = names.filter((name) => !fleet.has(name));
		const changed = names.filter(
			(name) => fleet.has(name) && !isDeepStrictEqual(fleet.get(name)?.camera, cameras[name]),
		);
		await Promise.all(
			[...removed, ...changed].map(async (name) => {
				const watched = fleet.get(name) as Watched;
				watched.unwanted.abort();
				await watched.end;
			}),
		);
		for (const name of removed) fleet.delete(name);
		for (const name of [...added, ...changed]) start(name, cameras[name]);
		return { added, removed, changed };
	};

	return {
		become(cameras) {
			const done = changing.then(() => change(cameras));
			changing = done.catch(() => {});
			return done;
		},
		async ended() {
			for (;;) {
				await changing;
				const watched = [...fleet.entries()];
				const endings = await Promise.all(watched.map(([, { end }]) => end));
				await changing;
				// Others may have been started meanwhile.
				if (watched.length !== fleet.size || watched.some(([name, one]) => fleet.get(name) !== one)) continue;
				return endings.flatMap((error, i) => {
					if (error === undefined) return [];
					if (!(error instanceof EdgeError)) throw error;
					return [`camera ${watched[i][0]}: ${error.message}`];
				});
			}
		},
	};
};
