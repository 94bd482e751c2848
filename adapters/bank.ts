import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type DomainRecord, EdgeError } from "../operators/types.js";
import { checkRoom, openDatabase } from "./database.js";
import { decode, encode } from "./record.js";
import type { Store } from "./store.js";
import { openWrites } from "./writes.js";

export interface StoreOptions {
	readonly directory: string;
	/** For looking only: nothing is made, nothing can be written. */
	readonly readOnly?: boolean;
	/** Told in one sentence about a record, or a whole file, that could not be read. */
	readonly onWarning?: (message: string) => void;
	/** Bytes on disk beyond which nothing new is stored; what is there can still be replaced. */
	readonly sizeLimit?: number;
}

/** Room for about ten thousand domains of a model with 9,600 adaptable parameters. */
const SIZE_LIMIT = 2 ** 30;

/** Bundle, camera, then `state` or `domain` and its id. */
type Key = string[];

const anything = (_value: unknown): _value is unknown => true;

function isDomain(value: unknown): value is DomainRecord {
	const record = value as Partial<DomainRecord> | null;
	return (
		typeof record?.id === "string" &&
		[record.vector, record.alignment, record.stemMean, record.stemVariance].every((v) => v instanceof Float32Array)
	);
}

/**
 * Opens the store in a directory, which is made where there is none.
 * @throws {EdgeError} `bank` when it cannot be a store, cannot be written, or (`readOnly`) there is none
 */
export function openStore(options: StoreOptions): Store {
	const directory = resolve(options.directory);
	const { readOnly = false, sizeLimit = SIZE_LIMIT, onWarning = () => {} } = options;
	const database = openDatabase<Key>({ directory, readOnly, durability: "disk", onWarning });
	let closing: Promise<void> | undefined;
	const writes = openWrites(directory);

	const usable = () => {
		if (closing) throw new EdgeError("bank", `${directory}: the store has been closed`);
	};

	const write = async (operation: () => Promise<unknown>) => {
		usable();
		if (readOnly) throw new EdgeError("bank", `${directory} was opened for looking only`);
		await writes.write(operation);
	};

	const put = (key: Key, value: Buffer) => {
		const size = statSync(join(directory, "data.mdb")).size;
		if (size + value.length > sizeLimit && !database.doesExist(key)) {
			throw new EdgeError("bank", `${directory} is full: it holds ${Math.round(size / 2 ** 20)} MiB`);
		}
		checkRoom(directory);
		return database.put(key, value);
	};

	const read = <T>(what: string, record: Buffer, is: (value: unknown) => value is T) => {
		const decoded = decode(record);
		const problem = "problem" in decoded ? decoded.problem : is(decoded.value) ? undefined : "it is something else";
		if (problem === undefined) return decoded as { value: T; sequence: number };
		onWarning(`${directory}: ${what} is skipped: ${problem}`);
		return undefined;
	};

	return {
		bank(bundle, camera) {
			const state: Key = [bundle, camera, "state"];
			const all = () => {
				usable();
				// "domain" and "domain~" lie around every key that starts with "domain".
				const entries = database.getRange({ start: [bundle, camera, "domain"], end: [bundle, camera, "domain~"] });
				return [...entries].flatMap(
					({ key, value }) => read(`domain ${key[3]} of camera ${camera}`, value, isDomain) ?? [],
				);
			};
			let sequences: Map<string, number> | undefined;
			/** A record keeps its place when it is replaced; a new one comes last. */
			const sequenceOf = (id: string) => {
				sequences ??= new Map(all().map(({ value, sequence }) => [value.id, sequence]));
				const sequence = sequences.get(id) ?? 1 + Math.max(0, ...sequences.values());
				sequences.set(id, sequence);
				return sequence;
			};
			return {
				async domains() {
					return all()
						.sort((a, b) => a.sequence - b.sequence)
						.map(({ value }) => value);
				},
				put: (record) =>
					write(async () => put([bundle, camera, "domain", record.id], encode(record, sequenceOf(record.id)))),
				remove: (id) =>
					write(async () => {
						sequences?.delete(id);
						await database.remove([bundle, camera, "domain", id]);
					}),
				checkpoint: (value) => write(async () => put(state, encode(value, 0))),
				async restore() {
					usable();
					const record = database.get(state);
					return record && read(`the state of camera ${camera}`, record, anything)?.value;
				},
				async close() {},
			};
		},
		list() {
			usable();
			const banks = new Map<string, { bundle: string; camera: string; domains: number }>();
			for (const [bundle, camera, kind] of database.getKeys()) {
				if (kind !== "domain") continue;
				const name = JSON.stringify([bundle, camera]);
				const bank = banks.get(name) ?? { bundle, camera, domains: 0 };
				bank.domains++;
				banks.set(name, bank);
			}
			return [...banks.values()];
		},
		close() {
			closing ??= writes.settled().then(() => database.close());
			return closing;
		},
	};
}
