import assert from "node:assert/strict";
import { test } from "node:test";
import { lastValueFrom, toArray } from "rxjs";
import { openMemoryStore } from "../adapters/bank.memory.js";
import { openMemoryCamera } from "../adapters/camera.memory.js";
import { memoryModel } from "../adapters/model.memory.js";
import { LEARNING, pictures } from "../operators/fixtures.js";
import { sourceTheta } from "../operators/forward.js";
import { affineOf, checkpointOf, firstKnowledge, resumed } from "../operators/knowledge.js";
import type { Learning } from "../operators/settings.js";
import type { Adapted, Command, Control, Knowledge, Outlet } from "../operators/types.js";
import type { Vector } from "../operators/zoa/vector.js";
import { pipeline } from "./pipeline.js";

/** A day, a night and the day again, of 24 rounds each; that it is another domain is known 8 rounds later. */
const SCENES = [...pictures(96, 100, 1), ...pictures(96, 20, 2), ...pictures(96, 100, 3)];

const model = memoryModel();
const source = sourceTheta(model.bundle);
const first = () => firstKnowledge(model.bundle, [], { seed: 1, bank: 4, published: false, now: 0 });

interface Play {
	readonly method?: "zoa" | "none";
	readonly learning?: Learning;
	readonly start?: Knowledge | undefined;
}

/** Plays the scenes; `commands` are given before rounds, by number. */
const played = async (
	commands: Readonly<Record<number, Command>>,
	{ method = "zoa", learning = LEARNING, start = first() }: Play = {},
) => {
	const said: { channel: string; payload: Record<string, unknown> }[] = [];
	const answers: (string | undefined)[] = [];
	let round = -1;
	let given: Command | undefined;
	const control: Control = {
		take() {
			const command = given;
			given = undefined;
			return command && { command, done: (refusal) => void answers.push(refusal) };
		},
	};
	const inner = openMemoryCamera({ pictures: SCENES });
	const camera = Object.assign(Object.create(inner), {
		take: (...limits: [number, number]) => {
			given = commands[++round];
			return inner.take(...limits);
		},
	});
	const bank = openMemoryStore().bank("bundle", "camera");
	const outlet: Outlet = {
		publish: async (channel: string, payload: object | string) =>
			void said.push({ channel, payload: payload as Record<string, unknown> }),
	};
	const settings = { batch: { frames: 4, patience: 5 }, learning: method === "zoa" ? learning : undefined };
	const rounds = await lastValueFrom(
		pipeline({ camera, model, bank, outlet, control }, settings, start).pipe(toArray()),
	);
	return {
		rounds: rounds as Adapted[],
		theta: (n: number) => affineOf((rounds as Adapted[])[n].knowledge, source),
		last: rounds[rounds.length - 1].knowledge as Knowledge,
		on: (channel: string) => said.filter((message) => message.channel === channel).map(({ payload }) => payload),
		answers,
		bank,
	};
};

test("FREEZE keeps θ as it is while predictions go on, and ON learns again", async () => {
	const { rounds, theta, on, answers } = await played({ 33: { do: "freeze" }, 43: { do: "on" } });
	assert.deepEqual(theta(42), theta(32));
	assert.notDeepEqual(theta(32), theta(30), "the night was being learned");
	assert.equal(on("predictions").length, SCENES.length);
	assert.deepEqual(
		rounds[42].predictions.map(({ frame }) => frame.index),
		[168, 169, 170, 171],
	);
	assert.notDeepEqual(theta(46), theta(42));
	assert.deepEqual(answers, [undefined, undefined]);
	const states = on("adaptation").map(({ state }) => state);
	assert.deepEqual(states.filter((state) => state === "frozen").length, 1);
	assert.ok(states.indexOf("holding", states.indexOf("frozen")) > 0, states.join());
});

test("a camera that is frozen is so after a restart", async () => {
	const { bank } = await played({ 33: { do: "freeze" } });
	const again = resumed(first(), structuredClone(await bank.restore()));
	assert.equal(again?.frozen, true);
});

test("RESET predicts the very next batch as at the source, and keeps the bank", async () => {
	const { rounds, on, bank } = await played({ 33: { do: "freeze" }, 40: { do: "reset" } });
	const distance = (n: number) => Math.max(...rounds[n].affines[0].map((value, i) => Math.abs(value - source[i])));
	assert.ok(distance(40) < 1e-3, "but for the bank's entries, which always have a share");
	assert.ok(distance(39) > 0.1);
	assert.equal(rounds[41].knowledge.frozen, true, "who froze it has not been heard of again");
	assert.equal((await bank.domains()).length, 1);
	assert.equal(on("domain").at(-1)?.status, "looking");
});

test("a domain that was never stored has its id for itself, whatever RESET and ROLLBACK do", async () => {
	const { rounds } = await played({ 12: { do: "reset" }, 18: { do: "rollback" } });
	const ids = [11, 12, 17, 18, 40].map((n) => rounds[n].knowledge.domain.id);
	assert.deepEqual(ids.slice(0, 4), ["d1", "d2", "d2", "d1"]);
	assert.ok(!["d1", "d2"].includes(ids[4]), `the night is ${ids[4]}`);
});

test("ROLLBACK takes up what was stored of the domain", async () => {
	const { rounds, last, bank } = await played({ 66: { do: "rollback" } });
	const stored = (await bank.domains()).find(({ id }) => id === rounds[66].knowledge.domain.id);
	assert.equal(stored?.id, "d1");
	assert.equal(last.domain.id, "d1");
	const expected = source.map((value, i) => value + (stored?.alignment[i] ?? 0) + (stored?.vector[i] ?? 0));
	assert.ok(rounds[66].affines[0].every((value, i) => Math.abs(value - expected[i]) < 0.01));
});

test("ROLLBACK of a domain that was never stored goes back to the last checkpoint", async () => {
	const { rounds } = await played({ 4: { do: "on" }, 12: { do: "rollback" } });
	const at = checkpointOf(rounds[3].knowledge);
	assert.deepEqual(rounds[12].affines[0], affineOf(resumed(first(), structuredClone(at)) as Knowledge, source));
});

test("FREEZE, RESET, ROLLBACK gives back what was learned, also when the daemon was restarted in between", async () => {
	const commands: Record<number, Command> = {
		12: { do: "freeze" },
		13: { do: "rename", domain: "d1", name: "a fine day" },
	};
	const { rounds, bank } = await played({ ...commands, 14: { do: "reset" }, 18: { do: "rollback" } });
	const at = (n: number) => rounds[n].affines[0];
	assert.ok(
		at(12).some((value, i) => value !== source[i]),
		"something was learned",
	);
	assert.deepEqual(at(14), source);
	assert.deepEqual(at(17), source);
	assert.ok(at(18).every((value, i) => Math.abs(value - at(12)[i]) < 1e-6));
	assert.equal(rounds[18].knowledge.frozen, true);
	assert.equal(rounds[18].knowledge.domain.name, "a fine day");
	assert.equal(rounds[18].knowledge.before, undefined);
	assert.equal((await bank.domains()).length, 0, "the domain was never stored");

	const { bank: stopped } = await played({ ...commands, 14: { do: "reset" } });
	const start = resumed(first(), structuredClone(await stopped.restore()));
	const again = await played({ 2: { do: "rollback" } }, { start });
	assert.deepEqual(again.rounds[1].affines[0], source);
	assert.ok(again.rounds[2].affines[0].every((value, i) => Math.abs(value - at(12)[i]) < 1e-6));
});

test("a ROLLBACK goes back to what learning stored, not to what commands did since, until learning stores anew", async () => {
	const commands: Record<number, Command> = { 22: { do: "freeze" }, 23: { do: "on" }, 24: { do: "freeze" } };
	const { rounds } = await played(
		{ ...commands, 25: { do: "rollback" } },
		{ learning: { ...LEARNING, checkpoint: 68 } },
	);
	const isAt = (affine: Vector, expected: Vector) => affine.every((value, i) => Math.abs(value - expected[i]) < 1e-6);
	const stored = affineOf(rounds[16].knowledge, source);
	assert.ok(!isAt(rounds[24].affines[0], stored), "it has learned since");
	assert.ok(isAt(rounds[25].affines[0], stored));
	const { rounds: later } = await played(
		{ 10: { do: "reset" }, 20: { do: "rollback" } },
		{ learning: { ...LEARNING, checkpoint: 32 } },
	);
	assert.ok(later[14].knowledge.before !== undefined && later[15].knowledge.before === undefined);
	const [before, anew] = [7, 15].map((n) => affineOf(later[n].knowledge, source));
	assert.ok(!isAt(anew, before) && isAt(later[20].affines[0], anew));
});

test("domains are renamed and removed, in memory and on disk", async () => {
	const { last, bank, on, answers } = await played({
		34: { do: "rename", domain: "d1", name: "a fine day" },
		36: { do: "rename", domain: "d2", name: "a dark night" },
		40: { do: "remove", domain: "d2" },
		41: { do: "remove", domain: "d7" },
		68: { do: "remove", domain: "d2" },
	});
	assert.deepEqual(answers, [undefined, undefined, "d2 is the domain at hand", "there is no domain d7", undefined]);
	assert.equal(last.domain.name, "a fine day");
	assert.ok(on("domain").some(({ name }) => name === "a dark night"));
	assert.deepEqual(
		(await bank.domains()).map(({ id, name }) => `${id} ${name}`),
		["d1 a fine day"],
	);
	assert.equal(last.mix.vectors.length, last.domains.length + 1);
});

test("where nothing is learned a command is refused", async () => {
	const { answers, on } = await played({ 3: { do: "freeze" } }, { method: "none" });
	assert.deepEqual(answers, ["nothing is learned here: adapt.method is none"]);
	assert.equal(on("predictions").length, SCENES.length);
});
