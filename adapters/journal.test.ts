import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "./database.js";
import { temporaryDirectory } from "./fixtures.js";
import { openJournals } from "./journal.js";

const folder = temporaryDirectory();
/** As large as one frame of a bundled model. */
const large = (n: number) => ({ n, pixels: new Uint8Array(12_288).fill(n) });
const entry = (n: number) => ({ n, pixels: new Uint8Array(1_000).fill(n) });

/** What a camera's journal holds: of each chapter its number, its head and how many entries follow. */
const contents = (journals: ReturnType<typeof openJournals>, camera: string) =>
	journals.chapters(camera).map((chapter) => {
		const [head, ...entries] = journals.read(camera, chapter);
		return { chapter, head, entries: entries.length };
	});

test("chapters come back as they were written, each camera's by itself, to whoever looks meanwhile too", async () => {
	const directory = join(folder, "written");
	const journals = openJournals({ directory });
	const [road, gate] = ["road", "gate"].map((camera) => journals.of(camera, 1e6));
	await road.begin("first");
	await gate.begin("another camera's");
	await road.add(entry(1));
	await road.add(entry(2));
	await road.begin("second");
	await road.add(entry(3));
	const reader = openJournals({ directory, readOnly: true });
	assert.deepEqual([...reader.read("road", 1)], ["first", entry(1), entry(2)]);
	assert.deepEqual([...reader.read("road", 2)], ["second", entry(3)]);
	assert.deepEqual([...reader.read("gate", 1)], ["another camera's"]);
	assert.deepEqual(
		[reader.cameras(), reader.chapters("road"), reader.chapters("porch")],
		[["gate", "road"], [1, 2], []],
	);
	await reader.close();
	await journals.close();
});

test("the oldest chapters make room, over restarts too, and the file stays within bounds", async () => {
	const directory = join(folder, "ring");
	const limit = 4_000_000;
	for (let start = 0; start < 3; start++) {
		const journals = openJournals({ directory });
		const journal = journals.of("road", limit);
		await journal.begin({ start });
		for (let n = 0; n < 600; n++) {
			if (journal.isFull) await journal.begin({ start, n });
			await journal.add(large(n));
		}
		const kept = contents(journals, "road");
		const entries = kept.reduce((sum, chapter) => sum + chapter.entries, 0);
		assert.ok(entries * 12_288 <= limit, `${entries} entries are kept`);
		assert.ok(entries * 16_384 >= limit / 2, `only ${entries} entries are kept`);
		assert.ok(kept.length >= 3 && kept.every(({ entries }) => entries > 0));
		await journals.close();
	}
	const { size } = statSync(join(directory, "data.mdb"));
	assert.ok(size < 1.5 * limit, `${size} bytes`);
});

test("a beginning that takes too much of the limit is refused with what would do", async () => {
	const journals = openJournals({ directory: join(folder, "small") });
	await assert.rejects(journals.of("road", 100_000).begin(large(1)), /needs 0\.2MB at least .* may have 0\.1MB/);
	assert.deepEqual(journals.chapters("road"), []);
	await journals.close();
});

test("pictures are for the owner's eyes alone", async () => {
	const directory = join(folder, "private");
	await openJournals({ directory }).close();
	assert.equal(statSync(directory).mode & 0o077, 0);
});

test("a damaged entry is told of where it is read", async () => {
	const directory = join(folder, "damaged");
	const journals = openJournals({ directory });
	const journal = journals.of("road", 1e6);
	await journal.begin("head");
	await journal.add(entry(1));
	await journals.close();
	const database = openDatabase<[string, number, number, number]>({ directory, durability: "disk" });
	const [, key] = [...database.getKeys()];
	const record = Buffer.from(database.get(key) as Buffer);
	record[record.length - 1] ^= 1;
	await database.put(key, record);
	await database.close();
	const damaged = openJournals({ directory, readOnly: true });
	assert.throws(
		() => [...damaged.read("road", 1)],
		/entry 1 of chapter 1 of road cannot be read: its checksum is wrong/,
	);
	await damaged.close();
});
