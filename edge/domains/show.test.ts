import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { sampleDomain } from "../../adapters/bank.contract.js";
import { openStore } from "../../adapters/bank.js";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { starter } from "../fixtures.js";

const folder = temporaryDirectory();
const start = starter(folder);

test("domains list and show tell what learning gained in a domain, and nothing where that is not known", async () => {
	const store = openStore({ directory: join(folder, "device") });
	const bank = store.bank("bundle", "road");
	await bank.put({ ...sampleDomain(1, "d1"), gain: 0.61849 });
	await bank.put(sampleDomain(2, "d2"));
	await bank.put({ ...sampleDomain(3, "d3"), alignment: Float32Array.of(0.3, 0.4, 2) });
	await store.close();
	const printed = async (...args: string[]) => {
		const { code, out, err } = await start("domains", ...args, "--store", "device").ended;
		assert.equal(code, 0, err);
		return out;
	};
	const [head, , ...rows] = (await printed("list")).split("\n");
	const at = head.indexOf("gain");
	assert.deepEqual(
		["d1", "d2"].map((id) =>
			rows
				.find((row) => row.includes(id))
				?.slice(at - 1, at + 5)
				.trim(),
		),
		["0.618", ""],
	);
	assert.match(await printed("show", "road", "d1"), /^gain +0\.618$/m);
	assert.doesNotMatch(await printed("show", "road", "d2"), /gain/);
	assert.deepEqual(
		JSON.parse(await printed("list", "--json")).map(({ gain }: { gain?: number }) => gain),
		[0.618, undefined, undefined],
	);
	const smoothed = await printed("show", "road", "d3");
	assert.match(smoothed, /^alignment +0\.5$/m);
	assert.match(smoothed, /^smoothing +2$/m);
	assert.match(await printed("show", "road", "d1"), /^smoothing +0$/m, "from before pictures were smoothed");
});
