import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { median } from "../bench/rates.js";
import { Mistake } from "../mistake.js";
import { type Workshop, workshop } from "../prepare/fixtures.js";
import { prepare } from "../prepare/prepare.js";
import { type Follower, openStage } from "./evaluate.js";
import { closeAll, type Plan, planned, plansFor, type Scope } from "./plan.js";
import { evaluateAll } from "./pool.js";
import { type Journal, openJournal } from "./results/journal.js";
import { terminalTables } from "./results/layout.js";
import { keyOf, type Run } from "./results/run.js";
import { studies } from "./results/study.js";

const never = new AbortController().signal;

describe("an evaluation", () => {
	let shop: Workshop;
	const opened: Plan[] = [];
	before(async () => {
		shop = await workshop();
		await prepare(shop);
	});
	after(async () => {
		await closeAll(opened);
		await shop.remove();
	});

	const scopeOf = (methods: readonly string[], streams: readonly string[]): Scope => ({
		model: [shop.out],
		data: [shop.calibration],
		streams,
		methods,
		corruptions: ["fog:3", "h264"],
		seeds: 1,
		frames: 70,
	});
	const plansOf = async (scope: Scope): Promise<Plan[]> => {
		const plans = await plansFor(scope);
		opened.push(...plans);
		return plans;
	};
	const following = (done: Follower["done"]): Follower => ({ start: () => {}, seen: () => {}, done });
	/** The runs in the order they were planned in. */
	const inOrder = (plans: readonly Plan[], runs: readonly Run[]): Run[] =>
		plans.flatMap(planned).flatMap((id) => runs.filter((run) => keyOf(run) === keyOf(id)));

	/** Made in this process. */
	const made = async (scope: Scope): Promise<Run[]> => {
		const runs: Run[] = [];
		for (const plan of await plansOf(scope)) {
			const stage = await openStage(plan);
			for (const showing of plan.showings) {
				await stage.show(
					showing,
					plan.methods,
					following((run) => void runs.push(run)),
					never,
				);
			}
			await stage.close();
		}
		return runs;
	};
	/** Made by others, and kept. */
	const kept = async (scope: Scope, journal: Journal, signal = never, then = () => {}): Promise<Run[]> => {
		const plans = await plansOf(scope);
		const done = async (run: Run) => {
			await journal.add(run);
			then();
		};
		await evaluateAll(scope, plans, journal.has, following(done), signal);
		return inOrder(plans, journal.runs);
	};
	const journalAt = (name: string): Promise<Journal> => openJournal(join(shop.directory, name), { test: "evaluate" });
	const tables = (runs: readonly Run[]): string => terminalTables(studies(runs));

	it("gives the same table to the last digit for the same seed, in whichever process", async () => {
		const scope = scopeOf(["none", "align", "zoa", "zoa-reference"], ["continual", "mixed"]);
		const journal = await journalAt("first.jsonl");
		const runs = await kept(scope, journal);
		assert.equal(runs.length, 8);
		assert.equal(tables(runs), tables(await made(scope)));
		await journal.close();
	});

	it("shows every method the same frames, each once, whatever their window", async () => {
		const scope = scopeOf(["none", "shift", "zoa", "zoa-reference", "lame"], ["recurring", "video", "window-16"]);
		const runs = await made(scope);
		const [plan] = await plansOf(scope);
		const labels = (method: string, stream: string) =>
			runs.find((run) => run.method === method && run.stream === stream)?.frames.map(({ label }) => label);
		for (const { stream, frames } of planned(plan)) {
			const expected = labels("none", stream);
			assert.equal(expected?.length, frames);
			for (const { name } of plan.methods) assert.deepEqual(labels(name, stream), expected);
		}
	});

	it("lets methods learn from as many frames at a time as the stream says", async () => {
		const runs = await made(scopeOf(["none", "zoa-reference", "lame"], ["continual", "window-16"]));
		const steps = (method: string, stream: string) => {
			const run = runs.find((own) => own.method === method && own.stream === stream) as Run;
			return new Set(run.frames.map(({ milliseconds }) => milliseconds)).size;
		};
		for (const method of ["zoa-reference", "lame"]) {
			assert.deepEqual([steps(method, "continual"), steps(method, "window-16")], [4, 14], method);
		}
		assert.equal(steps("none", "continual"), steps("none", "window-16"));
	});

	it("counts the forward passes: one for doing nothing, about two for zeroth-order steps", async () => {
		const [none, reference] = (await made(scopeOf(["none", "zoa-reference"], ["clean"]))).map(
			({ frames }) => frames.reduce((sum, frame) => sum + frame.passes, 0) / frames.length,
		);
		assert.equal(none, 1);
		assert.ok(reference > 1.7 && reference <= 2);
	});

	it("says what a method holds in memory, which is nothing for none", async () => {
		const runs = await made({ ...scopeOf(["none", "zoa"], ["clean"]), seeds: 5 });
		// What else goes on in this process moves a single figure.
		const [none, zoa] = ["none", "zoa"].map((own) =>
			median(runs.filter(({ method }) => method === own).map(({ heldBytes }) => heldBytes)),
		);
		assert.ok(none < 2 ** 18, `none holds ${none}`);
		// At least the frames of its window and the parameters of its memory.
		assert.ok(zoa > none, `zoa holds ${zoa}, none ${none}`);
	});

	it("goes on where it was stopped, to the same table", async () => {
		const scope = scopeOf(["none", "align"], ["continual", "sorted", "clean"]);
		const stop = new AbortController();
		const first = await journalAt("parts.jsonl");
		const runs = await kept(scope, first, stop.signal, () => stop.abort());
		assert.ok(runs.length >= 1 && runs.length < 6, `${runs.length} runs`);
		await first.close();
		const before = await readFile(join(shop.directory, "parts.jsonl"), "utf8");
		const second = await journalAt("parts.jsonl");
		assert.equal(tables(await kept(scope, second)), tables(await made(scope)));
		await second.close();
		assert.ok((await readFile(join(shop.directory, "parts.jsonl"), "utf8")).startsWith(before), "a run was made again");
	});

	it("ends with the mistake that a process found", async () => {
		const scope = scopeOf(["none"], ["clean"]);
		const plans = await plansOf(scope);
		const elsewhere = { ...scope, data: [join(shop.directory, "nothing")] };
		await assert.rejects(
			evaluateAll(
				elsewhere,
				plans,
				() => false,
				following(() => {}),
				never,
			),
			(error) => error instanceof Mistake && /nothing: cannot be read \(ENOENT\)/.test(error.message),
		);
	});
});
