import { type DomainRecord, EdgeError } from "../operators/types.js";
import type { Store } from "./store.js";

/** A store in memory: for tests, and for running without one on disk. */
export function openMemoryStore(): Store {
	const banks = new Map<string, Kept>();
	let closed = false;
	const usable = () => {
		if (closed) throw new EdgeError("bank", "the store has been closed");
	};
	return {
		bank(bundle, camera) {
			const name = JSON.stringify([bundle, camera]);
			const bank: Kept = banks.get(name) ?? { bundle, camera, domains: new Map() };
			banks.set(name, bank);
			// Clones on both ways: what is stored must not change with what the caller holds.
			return {
				async domains() {
					usable();
					return [...bank.domains.values()].map((record) => structuredClone(record));
				},
				async put(record) {
					usable();
					bank.domains.set(record.id, structuredClone(record));
				},
				async remove(id) {
					usable();
					bank.domains.delete(id);
				},
				async checkpoint(state) {
					usable();
					bank.state = structuredClone(state);
				},
				async restore() {
					usable();
					return structuredClone(bank.state);
				},
				async close() {},
			};
		},
		list() {
			usable();
			return [...banks.values()]
				.filter(({ domains }) => domains.size > 0)
				.map(({ bundle, camera, domains }) => ({ bundle, camera, domains: domains.size }))
				.sort((a, b) => (a.bundle + a.camera < b.bundle + b.camera ? -1 : 1));
		},
		async close() {
			closed = true;
		},
	};
}

interface Kept {
	readonly bundle: string;
	readonly camera: string;
	readonly domains: Map<string, DomainRecord>;
	state?: unknown;
}
