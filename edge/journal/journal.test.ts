import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { lastValueFrom, tap } from "rxjs";
import { openMemoryStore } from "../../adapters/bank.memory.js";
import { openMemoryCamera } from "../../adapters/camera.memory.js";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { type Journal, openJournals } from "../../adapters/journal.js";
import { memoryModel } from "../../adapters/model.memory.js";
import { clear, hazy, LEARNING } from "../../operators/fixtures.js";
import { firstKnowledge } from "../../operators/knowledge.js";
import { uncommanded } from "../../operators/obey.js";
import type { Learning } from "../../operators/settings.js";
import type { Camera, Command } from "../../operators/types.js";
import { pipeline } from "../../pipeline/pipeline.js";
import { openRestarts } from "../restarts.js";
import { emptyTally, watch } from "../watch.js";
import type { Entry, Head } from "./chapter.js";
import { journalsIn, openKeeper } from "./keep.js";
import { openRecorder } from "./record.js";
import { replay } from "./replay.js";

const folder = temporaryDirectory();
const model = memoryModel();
const SWEEPING: Learning = { ...LEARNING, refine: false, sweep: { cpu: 0.5 } };

/** Clear and haze, twice. */
const SCENES = [1, 2].flatMap((time) => [...clear(96, 3 * time), ...hazy(96, 3 * time + 1)]);

interface Played {
	readonly store: string;
	/** What the source is at each opening. */
	readonly openings?: readonly (() => Camera)[];
	readonly learning?: Learning | undefined;
	readonly limit?: number;
	/** Commands by the round that they are taken in. */
	readonly commands?: Readonly<Record<number, Command>>;
}

/** Watches a camera with a journal; what was logged. */
const played = async ({
	store,
	openings = [() => openMemoryCamera({ pictures: SCENES })],
	learning = SWEEPING,
	limit = 1e8,
	commands = {},
}: Played): Promise<string[]> => {
	const lines: string[] = [];
	const log = pino({}, { write: (line: string) => void lines.push(line) });
	const settings = { batch: { frames: 4, patience: 5 }, learning };
	const about = { by: "this test", settings, model: { directory: "", sha256: ["", "", ""] as const, threads: 1 } };
	const keeper = openKeeper(store, { about, bundle: model.bundle });
	let round = 0;
	let asked = -1;
	let opened = 0;
	const over = new AbortController();
	await watch({
		open: async () => {
			const next = openings[opened++];
			if (next === undefined) over.abort();
			return next?.() ?? openMemoryCamera({ pictures: [] });
		},
		endless: openings.length > 1,
		model,
		learner: model,
		outlet: { publish: async () => {} },
		bank: openMemoryStore().bank("bundle", "road"),
		control: {
			take() {
				if (asked === round || commands[round] === undefined) return undefined;
				asked = round;
				return { command: commands[round], done: (refusal) => assert.equal(refusal, undefined) };
			},
		},
		recorder: keeper.of("road", limit, log),
		restart: openRestarts().of("road"),
		settings,
		log,
		signal: over.signal,
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
	let other: readonly string[] | undefined;
	await replay(head, entries[Symbol.iterator](), model, (round) => {
		if (round.differing.length > 0) other = round.differing;
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
	const long = [1, 2, 3, 4].flatMap(() => SCENES);
	const lines = await played({ store, limit: 1_000_000, openings: [() => openMemoryCamera({ pictures: long })] });
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
	await played({ store, openings: [camera] });
	const [chapter] = await chapters(store);
	const [, ...entries] = chapter as [Head, ...Entry[]];
	assert.ok(entries.some(({ given }) => given.waiting.includes(8)));
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
		entries.flatMap(({ given }) => given.commands.map(({ do: what }) => what)),
		["freeze", "on", "reset", "rollback"],
	);
	assert.ok(entries[60].given.stored.length > 0);
	assert.deepEqual(await replayed(chapter), { same: entries.length, other: undefined });
});

test("the first round that comes to something else is told, and ends it", async () => {
	const store = join(folder, "other");
	await played({ store });
	const [[head, ...entries]] = await chapters(store);
	const [{ given }] = entries.splice(30, 1);
	assert.ok(given.frames.length > 0);
	const { same, other } = await replayed([head, ...entries]);
	assert.ok(same >= 30 && same < entries.length - 1, `${same} rounds`);
	assert.ok(other);
});

test("a chapter goes on when the source is opened anew, and a source that shows nothing begins none", async () => {
	const store = join(folder, "reopened");
	const [half, dead] = [SCENES.slice(0, 100), () => openMemoryCamera({ pictures: [] })];
	const openings = [dead, () => openMemoryCamera({ pictures: half }), () => openMemoryCamera({ pictures: SCENES })];
	await played({ store, openings });
	const all = await chapters(store);
	assert.equal(all.length, 1);
	assert.deepEqual(await replayed(all[0]), { same: (half.length + SCENES.length) / 4, other: undefined });
});

test("rounds that could not be written are counted in the next chapter's head", async () => {
	const store = join(folder, "missed");
	const journals = openJournals({ directory: journalsIn(store) });
	const inner = journals.of("road", 1e8);
	let writes = 0;
	const journal: Journal = {
		...inner,
		begin: inner.begin,
		add: async (entry) => (++writes === 10 ? Promise.reject(new Error("the disk is full")) : inner.add(entry)),
	};
	const lines: string[] = [];
	const log = pino({}, { write: (line: string) => void lines.push(line) });
	const settings = { batch: { frames: 4, patience: 5 }, learning: SWEEPING };
	const about = { by: "this test", settings, model: { directory: "", sha256: ["", "", ""] as const, threads: 1 } };
	const recorder = openRecorder({ open: () => journal, bundle: model.bundle, about, log, retry: 0 });
	const inlets = {
		camera: openMemoryCamera({ pictures: SCENES }),
		bank: openMemoryStore().bank("b", "road"),
		control: uncommanded,
	};
	const start = firstKnowledge(model.bundle, [], { seed: 1, bank: 4, published: false, now: 0 });
	const ports = { ...recorder.listening(inlets, start), model, outlet: { publish: async () => {} } };
	await lastValueFrom(pipeline(ports, settings, start).pipe(tap(recorder.note)));
	await recorder.over();
	await journals.close();
	const all = await chapters(store);
	assert.ok(all.length === 2 && all[0][0].missed === 0 && all[1][0].missed > 0);
	const missed = all[1][0].missed;
	assert.equal(all.flatMap(([, ...entries]) => entries).length, SCENES.length / 4 - missed);
	for (const chapter of all) assert.deepEqual(await replayed(chapter), { same: chapter.length - 1, other: undefined });
	assert.ok(
		lines.some((line) => line.includes("the disk is full")) && lines.some((line) => line.includes("written again")),
	);
});

test("a journal that cannot be written is told of, and stops no camera", async () => {
	const store = join(folder, "nowhere");
	await openJournals({ directory: store }).close();
	writeFileSync(journalsIn(store), "a file");
	const tooSmall = join(folder, "too small");
	for (const [lines, expected] of [
		[await played({ store }), "is a file"],
		[await played({ store: tooSmall, limit: 1_000 }), "at least with what is known now"],
	] as const) {
		assert.equal(lines.filter((line) => line.includes("the journal is not written")).length, 1);
		assert.ok(lines.some((line) => line.includes(expected)));
	}
});
