import { fault, probe, underlying } from "./database.js";

/** Writes to a database on a disk that may be full, and what is under way of them. */
export interface Writes {
	/** @throws {EdgeError} `bank` when the disk takes nothing; what an operation says itself is passed on */
	write(operation: () => Promise<unknown>): Promise<void>;
	/** Resolves when none is under way. */
	settled(): Promise<void>;
}

/** After a write has failed the disk is tried before the next, since lmdb takes a commit that fails badly. */
export function openWrites(directory: string): Writes {
	const writing = new Set<Promise<unknown>>();
	let failing = false;
	return {
		async write(operation) {
			const under = failing ? probe(directory).then(operation) : operation();
			writing.add(under);
			try {
				await under;
				failing = false;
			} catch (cause) {
				const error = fault(directory, await underlying(cause));
				failing = error !== cause;
				throw error;
			} finally {
				writing.delete(under);
			}
		},
		async settled() {
			await Promise.allSettled(writing);
		},
	};
}
