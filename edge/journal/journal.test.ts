import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { openMemoryStore } from "../../adapters/bank.memory.js";
import { openMemoryCamera } from "../../adapters/camera.memory.js";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { openJournals } from "../../adapters/journal.js";
import { memoryModel } from "../../adapters/model.memory.js";
import { clear, hazy, LEARNING } from "../../operators/fixtures.js";
import type { Learning } from "../../operators/settings.js";
import type { Camera, Command } from "../../operators/types.js";
import { openRestarts } from "../restarts.js";
import { emptyTally, watch } from "../watch.js";
import type { Entry, Head, Outcome } from "./chapter.js";
import { journalsIn, openKeeper } from "./keep.js";
import { replay } from "./replay.js";

const folder = temporaryDirectory();
const model = memoryModel();
const SWEEPING: Learning = { ...LEARNING, refine: false, sweep: { cpu: 0.5 } };

/** Clear and haze, twice. */
const SCENES = [1, 2].flatMap((time) => [...clear(96, 3 * time), ...hazy(96, 3 * time + 1)]);

interface Played {
	readonly store: string;
	readonly camera?: () => Camera;
	readonly learning?: Learning | undefined;
	readonly limit?: number;
	/** Commands by the round that they are taken in. */
	readonly commands?: Readonly<Record<number, Command>>;
}

/** Watches a camera with a journal; what was logged. */
const played = async ({
	store,
	camera,
	learning = SWEEPING,
	limit = 1e8,
	commands = {},
}: Played): Promise<string[]> => {
	const lines: string[] = [];
	const log = pino({}, { write: (line: string) => void lines.push(line) });
	const settings = { batch: { frames: 4, patience: 5 }, learning };
	const about = { version: "0", settings, model: { directory: "", sha256: "", threads: 1 } };
	const keeper = openKeeper(store, { about, bundle: model.bundle });
	let round = 0;
	let given = -1;
	await watch({
		open: async () => camera?.() ?? openMemoryCamera({ pictures: SCENES }),
		endless: false,
		model,
		learner: model,
		outlet: { publish: async () => {} },
		bank: openMemoryStore().bank("bundle", "road"),
		control: {
			take() {
				if (given === round || commands[round] === undefined) return undefined;
				given = round;
				return { command: commands[round], done: (refusal) => assert.equal(refusal, undefined) };
			},
		},
		...keeper.of("road", limit, log),
		restart: openRestarts().of("road"),
		settings,
		log,
		signal: new AbortController().signal,
		tally: emptyTally(),
		onRound: () => {
			round++;
		},
	});
	await keeper.close();
	return lines;
};

/** All chapters of the journal. */
const chapters = async (store: string): Promise<[Head, ...Entry[]][]> => {
	const journals = openJournals({ directory: journalsIn(store), readOnly: true });
	const read = journals.chapters("road").map((chapter) => [...journals.read("road", chapter)] as [Head, ...Entry[]]);
	await journals.close();
	return read;
};

/** Replays a chapter; how many rounds came to the same, and what the first came to that did not. */
const replayed = async ([head, ...entries]: [Head, ...Entry[]]) => {
	let same = 0;
	let other: Outcome | undefined;
	await replay(head, entries[Symbol.iterator](), model, (round) => {
		if (round.other) other = round.other;
		else same++;
	});
	return { same, other };
};

test("what comes in and what comes of it is written down, and comes to the same again", async () => {
	const store = join(folder, "again");
	await played({ store });
	const [chapter, ...more] = await chapters(store);
	const [, ...entries] = chapter;
	assert.equal(more.length, 0);
	assert.equal(entries.length, SCENES.length / 4);
	assert.ok(entries[entries.length - 1].outcome.changes > 0 && entries[entries.length - 1].outcome.steps > 0);
	assert.ok(new Set(entries.map(({ outcome }) => outcome.parameters)).size > 1, "θ has moved");
	assert.deepEqual(await replayed(chapter), { same: entries.length, other: undefined });
});

test("zeroth-order steps and a model that is left alone are replayed too", async () => {
	for (const learning of [LEARNING, { ...LEARNING, published: true, align: false }, undefined]) {
		const store = join(folder, `method ${learning?.published}`);
		await played({ store, learning });
		const [chapter] = await chapters(store);
		assert.deepEqual(await replayed(chapter), { same: SCENES.length / 4, other: undefined });
	}
});

test("each of several chapters is replayed by itself, whatever has made room before it", async () => {
	const store = join(folder, "chapters");
	const lines = await played({ store, limit: 150_000 });
	assert.deepEqual(lines, []);
	const all = await chapters(store);
	assert.ok(all.length > 1 && all[0][0].knowledge.counts.steps > 0, `${all.length} chapters`);
	for (const chapter of all) assert.deepEqual(await replayed(chapter), { same: chapter.length - 1, other: undefined });
});

test("a live camera that is behind now and then is replayed as behind then", async () => {
	const store = join(folder, "live");
	let asked = 0;
	const camera = (): Camera => {
		const inner = openMemoryCamera({ pictures: SCENES });
		return {
			...inner,
			live: true,
			get waiting() {
				return asked++ % 3 === 0 ? 8 : 0;
			},
		};
	};
	await played({ store, camera });
	const [chapter] = await chapters(store);
	const [, ...entries] = chapter as [Head, ...Entry[]];
	assert.ok(entries.some(({ heard }) => heard.waiting.includes(8)));
	assert.deepEqual(await replayed(chapter), { same: SCENES.length / 4, other: undefined });
});

test("commands are replayed, with what the bank gave out for them", async () => {
	const store = join(folder, "commands");
	await played({
		store,
		commands: { 20: { do: "freeze" }, 24: { do: "on" }, 60: { do: "reset" }, 70: { do: "rollback" } },
	});
	const [chapter] = await chapters(store);
	const [, ...entries] = chapter;
	assert.deepEqual(
		entries.flatMap(({ heard }) => heard.commands.map(({ do: what }) => what)),
		["freeze", "on", "reset", "rollback"],
	);
	assert.ok(entries[60].heard.stored.length > 0);
	assert.deepEqual(await replayed(chapter), { same: entries.length, other: undefined });
});

test("the first round that comes to something else is told, and ends it", async () => {
	const store = join(folder, "other");
	await played({ store });
	const [[head, ...entries]] = await chapters(store);
	const [{ heard }] = entries.splice(30, 1);
	assert.ok(heard.frames.length > 0);
	const { same, other } = await replayed([head, ...entries]);
	assert.ok(same >= 30 && same < entries.length - 1, `${same} rounds`);
	assert.ok(other);
});

test("a journal that cannot be written is told of, and stops no camera", async () => {
	const store = join(folder, "nowhere");
	await openJournals({ directory: store }).close();
	writeFileSync(journalsIn(store), "a file");
	const tooSmall = join(folder, "too small");
	for (const [lines, expected] of [
		[await played({ store }), "is a file"],
		[await played({ store: tooSmall, limit: 1_000 }), "more than a quarter of 1000"],
	] as const) {
		assert.equal(lines.filter((line) => line.includes("the journal is not written")).length, 1);
		assert.ok(lines.some((line) => line.includes(expected)));
	}
});
