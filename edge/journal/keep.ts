import { join } from "node:path";
import type { Logger } from "pino";
import { type Journals, openJournals } from "../../adapters/journal.js";
import { openRecorder, type Recorder, type RecorderOptions } from "./record.js";

/** Where the journals of a store are. */
export const journalsIn = (store: string): string => join(store, "journal");

/** Keeps the journals of a run's cameras; nothing is made before one has any. */
export interface Keeper {
	/** @param limit bytes; absent: nobody wants a journal */
	of(camera: string, limit: number | undefined, log: Logger): Recorder | undefined;
	/** Waits for what is being written. */
	close(): Promise<void>;
}

export const openKeeper = (store: string, common: Pick<RecorderOptions, "about" | "bundle">): Keeper => {
	let journals: Journals | undefined;
	return {
		of(camera, limit, log) {
			if (limit === undefined) return undefined;
			const open = () => {
				journals ??= openJournals({ directory: journalsIn(store), onWarning: (message) => log.warn(message) });
				return journals.of(camera, limit);
			};
			return openRecorder({ ...common, open, log });
		},
		close: async () => journals?.close(),
	};
};
