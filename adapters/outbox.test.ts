import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "./database.js";
import { many, temporaryDirectory } from "./fixtures.js";
import type { Letter } from "./letters.js";
import { type Lost, type Outbox, type OutboxOptions, openOutbox } from "./outbox.js";

const root = temporaryDirectory();
let directories = 0;
const fresh = () => join(root, `outbox.${directories++}`);

const announce = {
	topic: () => "t/gap",
	payload: (lost: readonly Lost[], seq: number) => JSON.stringify({ seq, lost }),
};
const open = (directory: string, more: Partial<OutboxOptions> = {}): Outbox =>
	openOutbox({ directory, size: 2 ** 30, age: 3_600_000, announce, ...more });

const fill = (outbox: Outbox, count: number, topic = "t/predictions") => {
	for (let i = 0; i < count; i++) outbox.append(topic, `${topic} ${outbox.next(topic)}`, false);
};
const seqs = (letters: readonly Letter[], topic = "t/predictions") =>
	letters.filter((letter) => letter.topic === topic).map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const told = (letters: readonly Letter[]) =>
	letters.filter(({ topic }) => topic === "t/gap").map(({ payload }) => JSON.parse(payload));

describe("an outbox", () => {
	it("gives out each letter once, in order, and begins again when asked to", async () => {
		const outbox = open(fresh());
		fill(outbox, 30);
		await outbox.stored();
		assert.deepEqual(seqs(outbox.take(20)), range(0, 19));
		assert.deepEqual(seqs(outbox.take(20)), range(20, 29));
		assert.deepEqual(outbox.take(20), []);
		outbox.rewind();
		assert.deepEqual(seqs(outbox.take(100)), range(0, 29));
		assert.deepEqual([outbox.waiting, outbox.lost], [30, 0]);
		await outbox.close();
	});

	it("gives out nothing that would not outlive the process", async () => {
		const outbox = open(fresh());
		fill(outbox, 5);
		assert.deepEqual(outbox.take(10), []);
		await outbox.stored();
		assert.equal(outbox.take(10).length, 5);
		await outbox.close();
	});

	it("has what was not acknowledged, and its counts, after it was opened again", async () => {
		const directory = fresh();
		const first = open(directory);
		fill(first, 10);
		fill(first, 3, "t/domain");
		await first.stored();
		for (const letter of first.take(4)) first.remove(letter);
		await first.close();
		const second = open(directory);
		assert.equal(second.waiting, 9);
		fill(second, 1);
		await second.stored();
		const letters = second.take(100);
		assert.deepEqual(seqs(letters), range(4, 10));
		assert.deepEqual(seqs(letters, "t/domain"), [0, 1, 2]);
		assert.equal(letters[0].payload, "t/predictions 4");
		for (const letter of letters) second.remove(letter);
		await second.close();
		const third = open(directory);
		assert.deepEqual([third.waiting, third.bytes, third.next("t/predictions")], [0, 0, 11]);
		await third.close();
	});

	it("drops the oldest beyond its size, and tells the gap in their place", async () => {
		const outbox = open(fresh(), { size: 20_000 });
		fill(outbox, 500);
		await outbox.stored();
		const letters = outbox.take(1000);
		const [gap, ...others] = told(letters);
		assert.deepEqual(others, []);
		const [{ to }] = gap.lost;
		assert.deepEqual(gap, { seq: 0, lost: [{ topic: "t/predictions", from: 0, to, reason: "size" }] });
		assert.equal(letters[0].topic, "t/gap");
		assert.deepEqual(seqs(letters), range(to + 1, 499));
		assert.equal(outbox.lost, to + 1);
		assert.ok(outbox.bytes <= 20_000 && outbox.bytes > 15_000, String(outbox.bytes));
		await outbox.close();
	});

	it("tells the losses of several topics in one letter, and in another what is lost after that was sent", async () => {
		const outbox = open(fresh(), { size: 10_000 });
		for (let i = 0; i < 100; i++) {
			fill(outbox, 1, "t/a");
			fill(outbox, 1, "t/b");
		}
		await outbox.stored();
		const [first] = told(outbox.take(1));
		outbox.rewind();
		fill(outbox, 100, "t/a");
		await outbox.stored();
		const letters = told(outbox.take(1000));
		assert.deepEqual(letters[0], first);
		assert.deepEqual(
			letters.map(({ seq }) => seq),
			[0, 1],
		);
		for (const topic of ["t/a", "t/b"]) {
			const ranges = letters.map(({ lost }) => lost.find((range: Lost) => range.topic === topic));
			assert.equal(ranges[0].from, 0);
			assert.equal(ranges[1].from, ranges[0].to + 1);
		}
		await outbox.close();
	});

	it("never drops what is on its way", async () => {
		const outbox = open(fresh(), { size: 10_000 });
		fill(outbox, 20);
		await outbox.stored();
		const sent = outbox.take(10);
		fill(outbox, 200);
		await outbox.stored();
		for (const letter of sent) outbox.remove(letter);
		outbox.rewind();
		const [gap] = told(outbox.take(1000));
		assert.equal(gap.lost[0].from, 10);
		await outbox.close();
	});

	it("drops what is too old, also what a run before left", async () => {
		const directory = fresh();
		const first = open(directory);
		fill(first, 10);
		await first.close();
		await sleep(50);
		const second = open(directory, { age: 40 });
		fill(second, 2);
		await second.stored();
		const letters = second.take(100);
		assert.deepEqual(told(letters), [{ seq: 0, lost: [{ topic: "t/predictions", from: 0, to: 9, reason: "age" }] }]);
		assert.deepEqual(seqs(letters), [10, 11]);
		await second.close();
	});

	it("drops nothing because the clock was set forward by years", async (t) => {
		const outbox = open(fresh(), { age: 60_000 });
		fill(outbox, 10);
		await outbox.stored();
		const then = Date.now();
		t.mock.method(Date, "now", () => then + 1e12);
		fill(outbox, 10);
		await sleep(1_100);
		fill(outbox, 10);
		await outbox.stored();
		assert.deepEqual(seqs(outbox.take(100)), range(0, 29));
		await outbox.close();
	});

	it("skips a letter that is damaged, and says so", async () => {
		const directory = fresh();
		const first = open(directory);
		fill(first, 5);
		await first.close();
		const raw = openDatabase<[string, number]>({ directory, durability: "disk" });
		const record = Buffer.from(raw.get(["letter", 3]) as Buffer);
		record[record.length - 1] ^= 1;
		await raw.put(["letter", 3], record);
		await raw.close();
		const warnings: string[] = [];
		const second = open(directory, { onWarning: (warning) => warnings.push(warning) });
		assert.deepEqual(seqs(second.take(10)), [0, 1, 3, 4]);
		assert.match(warnings.join("\n"), /a message is skipped: its checksum is wrong/);
		assert.equal(second.lost, 1);
		await second.close();
	});

	it("takes nothing after it was closed, which is done twice without harm", async () => {
		const outbox = open(fresh());
		await Promise.all([outbox.close(), outbox.close()]);
		fill(outbox, 1);
		assert.deepEqual([outbox.waiting, outbox.take(1).length], [0, 0]);
	});
});

/** Runs `script` in a process of its own, in which `outbox` is open. */
const inProcess = (directory: string, script: string, limits = "") =>
	spawn("sh", [
		"-c",
		`${limits} exec "$0" --input-type=module -e "$1"`,
		process.execPath,
		`
		import { openOutbox } from ${JSON.stringify(new URL("./outbox.js", import.meta.url).href)};
		const warnings = [];
		const outbox = openOutbox({
			directory: ${JSON.stringify(directory)}, size: 2 ** 30, age: 3_600_000,
			announce: { topic: () => "t/gap", payload: (lost, seq) => JSON.stringify({ seq, lost }) },
			onWarning: (warning) => warnings.push(warning),
		});
		${script}`,
	]);

describe("an outbox whose process is killed", () => {
	it("has all that was stored, and no number twice", { timeout: 300_000 }, async (t) => {
		if (process.platform === "win32") return t.skip("starts processes with a shell");
		const directory = fresh();
		let acknowledged = -1;
		for (let kill = 0; kill < many({ short: 5, long: 50 }); kill++) {
			const child = inProcess(
				directory,
				`for (;;) {
					for (let i = 0; i < 7; i++) outbox.append("t", String(outbox.next("t")), false);
					await outbox.stored();
					process.stdout.write(outbox.next("t") - 1 + "\\n");
					for (const letter of outbox.take(2)) outbox.remove(letter);
				}`,
			);
			let printed = "";
			child.stdout.setEncoding("utf8").on("data", (text) => {
				printed += text;
			});
			const ended = new Promise((done) => child.once("close", done));
			while (printed === "" && child.exitCode === null) await sleep(5);
			await sleep(Math.random() * 150);
			child.kill("SIGKILL");
			await ended;
			acknowledged = Number(printed.slice(0, printed.lastIndexOf("\n")).split("\n").at(-1));
			const outbox = open(directory);
			assert.ok(outbox.next("t") > acknowledged);
			const letters = outbox.take(1e6);
			const numbers = seqs(letters, "t");
			assert.deepEqual(numbers, range(numbers[0], outbox.next("t") - 1));
			assert.ok(letters.every(({ seq, payload }) => payload === String(seq)));
			await outbox.close();
		}
		assert.ok(acknowledged > 0);
	});
});

describe("an outbox that another process has", () => {
	it("is left to it, until it is gone", async (t) => {
		if (process.platform === "win32") return t.skip("starts processes with a shell");
		const directory = fresh();
		const child = inProcess(
			directory,
			`outbox.append("t", "theirs", false); await outbox.stored(); console.log("open"); setInterval(() => {}, 1000);`,
		);
		after(() => child.kill("SIGKILL"));
		await new Promise((done) => child.stdout.once("data", done));
		assert.throws(() => open(directory), { code: "bank", message: new RegExp(`is in use by process ${child.pid}`) });
		const ended = new Promise((done) => child.once("close", done));
		child.kill("SIGKILL");
		await ended;
		const outbox = open(directory);
		assert.equal(outbox.waiting, 1);
		await outbox.close();
		const next = inProcess(directory, "await outbox.close();");
		assert.equal(await new Promise((done) => next.once("close", done)), 0, "what was closed is anybody's");
	});
});

describe("an outbox on a full disk", () => {
	it("keeps a few letters in memory, tells what it could not keep, and gives out the rest", async (t) => {
		if (process.platform === "win32") return t.skip("limits a file's size with a shell");
		const child = inProcess(
			fresh(),
			`
			for (let i = 0; i < 5000; i++) {
				outbox.append("t/predictions", "x".repeat(1000), false);
				if (i % 50 === 49) await outbox.stored();
			}
			const lost = outbox.lost;
			const letters = outbox.take(1e6);
			const seqs = letters.filter(({ topic }) => topic !== "t/gap").map(({ seq }) => seq);
			const gaps = letters.filter(({ topic }) => topic === "t/gap").map(({ payload }) => JSON.parse(payload));
			for (const letter of letters) outbox.remove(letter);
			await outbox.close();
			process.stdout.write(JSON.stringify({ warnings, lost, gaps, first: seqs[0], last: seqs.at(-1), count: seqs.length }));`,
			"ulimit -f 2000;",
		);
		let printed = "";
		child.stdout.setEncoding("utf8").on("data", (text) => {
			printed += text;
		});
		let complaint = "";
		child.stderr.setEncoding("utf8").on("data", (text) => {
			complaint += text;
		});
		assert.equal(await new Promise((done) => child.once("close", done)), 0, complaint);
		const { warnings, lost, gaps, first, last, count } = JSON.parse(printed);
		assert.match(warnings[0], /could not be written \(.*is the disk full\?; the newest messages wait in memory/);
		assert.match(warnings[1], /messages are stored again/, "room was made");
		assert.deepEqual(gaps, [{ seq: 0, lost: [{ topic: "t/predictions", from: last + 1, to: 4999, reason: "disk" }] }]);
		assert.deepEqual([first, count], [0, last + 1]);
		assert.equal(lost, 4999 - last);
	});
});
