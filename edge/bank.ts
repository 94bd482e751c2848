import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { Bank } from "../operators/types.js";

/** What learned in another way is not the same knowledge: each way has its own bank under a model, by its sha256. */
export const bankOf = (model: string, way: string): string => `${model}:${way}`;

/** The opposite of `bankOf`. */
export const modelAndWay = (bank: string): { readonly model: string; readonly way: string } => {
	const at = bank.indexOf(":");
	return { model: bank.slice(0, at), way: bank.slice(at + 1) };
};

/** The way of learning that a configuration asks for. */
export const wayOf = ({ adapt }: Config): string =>
	adapt.method === "zoa" && !adapt.align ? "zoa:unaligned" : adapt.method;

/** Whether a way of learning is the published procedure, which tells domains apart by another stem. */
export const isPublished = (way: string): boolean => way === "zoa-reference";

/**
 * A bank whose failures to write are logged and do not stop the camera: with a full disk the daemon goes on predicting
 * and learning, and only a restart would have less to take up.
 */
export const forgiving = (bank: Bank, log: Logger): Bank => {
	const attempt = async (what: string, write: Promise<void>) => {
		try {
			await write;
		} catch (error) {
			log.error({ error: (error as Error).message }, `${what} was not stored`);
		}
	};
	return {
		...bank,
		put: (record) => attempt(`domain ${record.id}`, bank.put(record)),
		remove: (id) => attempt(`the removal of domain ${id}`, bank.remove(id)),
		checkpoint: (state) => attempt("the checkpoint", bank.checkpoint(state)),
	};
};
