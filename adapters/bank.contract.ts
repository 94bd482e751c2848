import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DomainRecord } from "../operators/types.js";
import type { Store } from "./store.js";

/** A record to test with, different for each `n`. */
export function sampleDomain(n: number, id = `domain-${n}`): DomainRecord {
	const floats = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(n * 1000 + i));
	return {
		id,
		name: `Nebel ${n} – 霧`,
		vector: floats(96),
		alignment: floats(96),
		stemMean: floats(16),
		stemVariance: floats(16),
		madeAt: 1_700_000_000_000 - n,
		lastUsedAt: 1_700_000_000_000 + n,
		visits: n,
		steps: 2 * n,
	};
}

/** What every store does. `open` makes an empty one. */
export function bankContract(name: string, open: () => Promise<Store>): void {
	describe(`bank: ${name}`, () => {
		it("is empty at first", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			assert.deepEqual(await bank.domains(), []);
			assert.equal(await bank.restore(), undefined);
			assert.deepEqual(store.list(), []);
			await store.close();
		});

		it("gives back what was put, typed arrays and all, in the order it was made", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			// Neither the ids' nor the clock's order: a device may not know the time yet.
			const records = [9, 10, 2, 33].map((n) => sampleDomain(n));
			for (const record of records) await bank.put(record);
			assert.deepEqual(await bank.domains(), records);
			await store.close();
		});

		it("puts records that were not waited for in the order of the calls", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			const records = Array.from({ length: 20 }, (_, n) => sampleDomain(100 - n));
			await Promise.all(records.map((record) => bank.put(record)));
			assert.deepEqual(await bank.domains(), records);
			await store.close();
		});

		it("keeps a record's place when it is replaced, and puts one that comes back last", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			for (const n of [1, 2, 3]) await bank.put(sampleDomain(n));
			await bank.put({ ...sampleDomain(2), visits: 99, shift: Float32Array.of(1, 2, 3), gain: 0.5 });
			assert.deepEqual(
				(await bank.domains()).map(({ id, visits }) => [id, visits]),
				[
					["domain-1", 1],
					["domain-2", 99],
					["domain-3", 3],
				],
			);
			const [, replaced, last] = await bank.domains();
			assert.deepEqual(replaced.shift, Float32Array.of(1, 2, 3));
			assert.deepEqual([replaced.gain, last.gain], [0.5, undefined]);
			await bank.remove("domain-1");
			await bank.remove("nobody");
			await bank.put(sampleDomain(1));
			assert.deepEqual(
				(await bank.domains()).map(({ id }) => id),
				["domain-2", "domain-3", "domain-1"],
			);
			await store.close();
		});

		it("stores what a record was when it was put, and gives out copies", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			const record = sampleDomain(1);
			const put = bank.put(record);
			record.vector.fill(7);
			await put;
			const [first] = await bank.domains();
			assert.deepEqual(first, sampleDomain(1));
			first.vector.fill(8);
			structuredClone(first.alignment, { transfer: [first.alignment.buffer as ArrayBuffer] });
			assert.equal(first.stemMean.length, 16, "each array has a buffer of its own");
			assert.deepEqual((await bank.domains())[0], sampleDomain(1));
			await store.close();
		});

		it("keeps cameras and bundles apart, whatever their names", async () => {
			const store = await open();
			const names = ["road", "road2", "roa", "", "road\0domain", "straße", "domain", "a/b", "~"];
			for (const [n, camera] of names.entries()) {
				await store.bank("one", camera).put(sampleDomain(n, camera));
				await store.bank("one", camera).checkpoint(camera);
			}
			await store.bank("two", "road").put(sampleDomain(50));
			for (const [n, camera] of names.entries()) {
				assert.deepEqual(await store.bank("one", camera).domains(), [sampleDomain(n, camera)]);
				assert.equal(await store.bank("one", camera).restore(), camera);
			}
			assert.equal(await store.bank("two", "road").restore(), undefined);
			assert.equal(store.list().length, names.length + 1);
			assert.ok(store.list().some((bank) => bank.bundle === "two" && bank.camera === "road" && bank.domains === 1));
			await store.close();
		});

		it("restores the last checkpoint, any structured-clonable value", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			await bank.checkpoint({ old: true });
			const state = {
				theta: Float32Array.of(0.1, Number.NaN, -0),
				sums: Float64Array.of(1 / 3),
				pixels: Uint8Array.of(255),
				nested: [{ map: new Map([["a", new Set([1n])]]), none: undefined, at: new Date(5) }],
			};
			await bank.checkpoint(state);
			assert.deepEqual(await bank.restore(), state);
			assert.deepEqual(await bank.domains(), [], "a checkpoint is no domain");
			await store.close();
		});

		it("says so when it is used after it was closed; closing a bank leaves the store open", async () => {
			const store = await open();
			const bank = store.bank("bundle", "road");
			await bank.close();
			await bank.put(sampleDomain(1));
			await Promise.all([store.close(), store.close()]);
			const closed = { code: "bank", message: /has been closed/ };
			await assert.rejects(bank.put(sampleDomain(2)), closed);
			await assert.rejects(bank.domains(), closed);
			await assert.rejects(bank.restore(), closed);
			assert.throws(() => store.list(), closed);
		});
	});
}
