import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { open as openLmdb } from "lmdb";
import { bankContract, sampleDomain } from "./bank.contract.js";
import { openStore } from "./bank.js";
import { inspect } from "./database.js";
import { temporaryDirectory } from "./fixtures.js";
import { decode, encode } from "./record.js";

const root = temporaryDirectory();
let directories = 0;
const fresh = () => join(root, `store.${directories++}`);

bankContract("LMDB", async () => openStore({ directory: fresh() }));

describe("a store on disk", () => {
	it("has everything after it was opened again, and goes on in order", async () => {
		const directory = fresh();
		const first = openStore({ directory });
		for (const n of [5, 4]) await first.bank("b", "road").put(sampleDomain(n));
		await first.bank("b", "road").checkpoint({ a: Float32Array.of(1) });
		await first.close();
		const second = openStore({ directory });
		const bank = second.bank("b", "road");
		await bank.put(sampleDomain(3));
		assert.deepEqual(
			await bank.domains(),
			[5, 4, 3].map((n) => sampleDomain(n)),
		);
		assert.deepEqual(await bank.restore(), { a: Float32Array.of(1) });
		await second.close();
	});

	it("says so when the disk is full, keeps what it has, and does not end the process", async (t) => {
		if (process.platform === "win32") return t.skip("limits a file's size with a shell");
		const directory = fresh();
		const script = `
			import { openStore } from ${JSON.stringify(new URL("./bank.js", import.meta.url).href)};
			import { sampleDomain } from ${JSON.stringify(new URL("./bank.contract.js", import.meta.url).href)};
			const store = openStore({ directory: ${JSON.stringify(directory)} });
			const bank = store.bank("b", "road");
			let n = 0;
			const fill = async () => {
				for (; n < 200; n++) await bank.put({ ...sampleDomain(n), vector: new Float32Array(5000).fill(n) });
			};
			const said = [await fill().catch(String), await fill().catch(String)];
			await new Promise((resolve) => setTimeout(resolve, 50));
			const kept = (await bank.domains()).length;
			await store.close();
			process.stdout.write(JSON.stringify({ n, kept, said }));`;
		const child = spawn("sh", [
			"-c",
			'ulimit -f 1000; exec "$0" --input-type=module -e "$1"',
			process.execPath,
			script,
		]);
		let printed = "";
		child.stdout.setEncoding("utf8").on("data", (text) => {
			printed += text;
		});
		assert.equal(await new Promise((done) => child.once("close", done)), 0);
		const { n, kept, said } = JSON.parse(printed);
		assert.ok(n > 5 && n < 200 && kept === n, printed);
		for (const sentence of said) assert.match(sentence, /^EdgeError: .*could not be written \(.*is the disk full\?$/);
		const store = openStore({ directory });
		assert.equal((await store.bank("b", "road").domains()).length, n);
		await store.close();
	});

	it("skips a record that is damaged, of another format or something else, and says so", async () => {
		const directory = fresh();
		const good = openStore({ directory });
		for (const n of [1, 2, 3, 4, 5]) await good.bank("b", "road").put(sampleDomain(n));
		await good.bank("b", "road").checkpoint(1);
		await good.close();
		const raw = openLmdb<Buffer, string[]>({
			path: directory,
			noSubdir: false,
			encoding: "binary",
			overlappingSync: false,
		});
		const change = async (key: string[], change: (record: Buffer) => Buffer) =>
			raw.put(key, change(Buffer.from(raw.get(key) as Buffer)));
		const flip = (at: number) => (record: Buffer) => {
			record[at] ^= 1;
			return record;
		};
		await change(["b", "road", "domain", "domain-1"], flip(200));
		await change(["b", "road", "domain", "domain-2"], flip(0));
		await change(["b", "road", "domain", "domain-3"], (record) => record.subarray(0, 20));
		await change(["b", "road", "domain", "domain-4"], () => encode({ id: 4 }, 9));
		await change(["b", "road", "state"], flip(8));
		await raw.close();

		const warnings: string[] = [];
		const store = openStore({ directory, onWarning: (message) => warnings.push(message.replace(directory, "")) });
		const bank = store.bank("b", "road");
		assert.deepEqual(await bank.domains(), [sampleDomain(5)]);
		assert.equal(await bank.restore(), undefined);
		assert.deepEqual(warnings, [
			": domain domain-1 of camera road is skipped: its checksum is wrong",
			": domain domain-2 of camera road is skipped: it has format 0, not 1",
			": domain domain-3 of camera road is skipped: it is cut off",
			": domain domain-4 of camera road is skipped: it is something else",
			": the state of camera road is skipped: its checksum is wrong",
		]);
		await bank.put(sampleDomain(1));
		assert.equal((await bank.domains()).length, 2, "a damaged record can be replaced");
		await store.close();
	});

	it("is full at its limit: nothing new is stored, what is there can be replaced", async () => {
		const directory = fresh();
		const store = openStore({ directory, sizeLimit: 200_000 });
		const bank = store.bank("b", "road");
		let stored = 0;
		await assert.rejects(
			async () => {
				for (; stored < 1000; stored++) await bank.put({ ...sampleDomain(stored), vector: new Float32Array(5000) });
			},
			{ code: "bank", message: /is full: it holds \d+ MiB/ },
		);
		assert.ok(stored > 2 && stored < 20, `${stored} records`);
		for (let i = 0; i < 20; i++) await bank.put({ ...sampleDomain(0), visits: i, vector: new Float32Array(5000) });
		assert.equal((await bank.domains())[0].visits, 19);
		assert.ok(statSync(join(directory, "data.mdb")).size < 300_000);
		await store.close();
	});
});

describe("a store that cannot be opened", () => {
	it("is a file, or would lie in one", () => {
		const file = fresh();
		writeFileSync(file, "text");
		assert.throws(() => openStore({ directory: file }), { code: "bank", message: /is a file/ });
		assert.throws(() => openStore({ directory: join(file, "below") }), { code: "bank", message: /not a directory/ });
	});

	it("is made by nobody who only looks", async () => {
		const directory = fresh();
		assert.throws(() => openStore({ directory, readOnly: true }), { code: "bank", message: /holds no store/ });
		assert.equal(existsSync(directory), false);
		mkdirSync(directory);
		assert.throws(() => openStore({ directory, readOnly: true }), { code: "bank", message: /holds no store/ });
		assert.deepEqual(readdirSync(directory), []);
	});

	it("lets those who only look see, not write", async () => {
		const directory = fresh();
		const store = openStore({ directory });
		await store.bank("b", "road").put(sampleDomain(1));
		await store.close();
		const looking = openStore({ directory, readOnly: true });
		assert.deepEqual(looking.list(), [{ bundle: "b", camera: "road", domains: 1 }]);
		assert.deepEqual(await looking.bank("b", "road").domains(), [sampleDomain(1)]);
		await assert.rejects(looking.bank("b", "road").put(sampleDomain(2)), { code: "bank", message: /looking only/ });
		await looking.close();
	});
});

describe("a damaged data file", () => {
	const filled = async () => {
		const directory = fresh();
		const store = openStore({ directory });
		for (let n = 0; n < 20; n++)
			await store.bank("b", "road").put({ ...sampleDomain(n), vector: new Float32Array(5000) });
		await store.close();
		return { directory, file: join(directory, "data.mdb") };
	};

	it("is set aside when it is none of LMDB's: the store starts empty", async () => {
		for (const content of ["", "text", "text ".repeat(100_000)]) {
			const directory = fresh();
			mkdirSync(directory);
			writeFileSync(join(directory, "data.mdb"), content);
			const warnings: string[] = [];
			const store = openStore({ directory, onWarning: (message) => warnings.push(message) });
			await store.bank("b", "road").put(sampleDomain(1));
			assert.equal((await store.bank("b", "road").domains()).length, 1);
			assert.match(warnings.join(), /renamed to .*data\.mdb\.damaged/);
			assert.equal(readFileSync(join(directory, "data.mdb.damaged"), "utf8"), content);
			await store.close();
		}
	});

	it("does not end the process when it is cut short: what is left is read", async () => {
		for (const part of [0.05, 0.3, 0.6, 0.9]) {
			const { directory, file } = await filled();
			truncateSync(file, Math.floor(statSync(file).size * part));
			const warnings: string[] = [];
			const store = openStore({ directory, onWarning: (message) => warnings.push(message) });
			const bank = store.bank("b", "road");
			const left = await bank.domains();
			assert.ok(left.length < 20);
			assert.ok(warnings.length > 0);
			await bank.put(sampleDomain(99));
			assert.equal((await bank.domains()).length, left.length + 1);
			await store.close();
		}
	});

	it("is told from a sound one by its first pages", async () => {
		const { file } = await filled();
		const bytes = readFileSync(file);
		assert.deepEqual(inspect(bytes, bytes.length), { usable: true, length: bytes.length });
		assert.equal(inspect(bytes, 8192).usable, false);
		assert.equal(inspect(bytes.subarray(0, 100), 100).usable, false);
		assert.equal(inspect(Buffer.alloc(131_072), 131_072).usable, false);
	});
});

describe("a stored record", () => {
	it("comes back as it was, and not at all when a single bit has changed", () => {
		const record = encode(sampleDomain(1), 7);
		assert.deepEqual(decode(record), { value: sampleDomain(1), sequence: 7 });
		for (const at of [0, 8, 20, 47, 48, 100, record.length - 1]) {
			const changed = Buffer.from(record);
			changed[at] ^= 0x10;
			assert.ok("problem" in decode(changed), `byte ${at}`);
		}
	});
});
