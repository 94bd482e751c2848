import type { Logger } from "pino";
import type { Bank } from "../operators/types.js";

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
