import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lastValueFrom, tap, toArray } from "rxjs";
import { openMemoryStore } from "../adapters/bank.memory.js";
import { openMemoryCamera } from "../adapters/camera.memory.js";
import { memoryModel } from "../adapters/model.memory.js";
import { clear, LEARNING, pictures } from "../operators/fixtures.js";
import { affineOf, type Checkpoint, checkpointOf, firstKnowledge, resumed } from "../operators/knowledge.js";
import type { Learning, Settings } from "../operators/settings.js";
import type { Adapted, Camera, Knowledge, Model, Outlet } from "../operators/types.js";
import { pipeline } from "./pipeline.js";

const SETTINGS: Settings = { batch: { frames: 4, patience: 5 }, learning: LEARNING };

const recorded = () => {
	const messages: { channel: string; payload: Record<string, unknown> }[] = [];
	const outlet: Outlet = {
		publish: async (channel: string, payload: object | string) =>
			void messages.push({ channel, payload: payload as Record<string, unknown> }),
	};
	return { messages, outlet, on: (channel: string) => messages.filter((m) => m.channel === channel) };
};

const begin = (model: Model): Knowledge =>
	firstKnowledge(model.bundle, [], { seed: 1, bank: 4, published: false, now: 0 });

const played = async (camera: Camera, { settings = SETTINGS, model = memoryModel(), start = begin(model) } = {}) => {
	const record = recorded();
	const bank = openMemoryStore().bank("bundle", "camera");
	const rounds = await lastValueFrom(
		pipeline({ camera, model, bank, outlet: record.outlet }, settings, start).pipe(toArray()),
	);
	return { ...record, bank, rounds: rounds as Adapted[], last: (rounds as Adapted[])[rounds.length - 1].knowledge };
};

const withLearning = (learning: Partial<Learning>): Settings => ({
	...SETTINGS,
	learning: { ...LEARNING, ...learning },
});

test("every frame is predicted once, in order, the last short batch too", async () => {
	const { on } = await played(openMemoryCamera({ pictures: pictures(42, 100, 1) }));
	assert.deepEqual(
		on("predictions").map(({ payload }) => payload.frame),
		Array.from({ length: 42 }, (_, i) => i),
	);
});

test("with method none nothing is learned and nothing is said of domains", async () => {
	const model = memoryModel();
	const settings = { ...SETTINGS, learning: undefined };
	const { on, last } = await played(openMemoryCamera({ pictures: pictures(40, 100, 1) }), { settings, model });
	assert.equal(on("predictions").length, 40);
	assert.equal(on("domain").length + on("adaptation").length, 0);
	assert.deepEqual(affineOf(last, model.bundle.source.affine), model.bundle.source.affine);
});

test("a batch's predictions leave before anything is learned from it", async () => {
	const model = memoryModel();
	const order: string[] = [];
	const outlet: Outlet = { publish: async (channel: string) => void order.push(channel) };
	const spied: Model = {
		...model,
		forward: (pixels, affine) => {
			order.push("forward");
			return model.forward(pixels, affine);
		},
	};
	const camera = openMemoryCamera({ pictures: pictures(16, 100, 1) });
	const bank = openMemoryStore().bank("bundle", "camera");
	const settings = withLearning({ align: false, window: 4 });
	await lastValueFrom(pipeline({ camera, model: spied, bank, outlet }, settings, begin(model)).pipe(toArray()));
	const batches = order.join(" ").match(/forward( predictions){4}( domain)?( forward)?( adaptation)?/g);
	assert.equal(batches?.length, 4, order.join(" "));
	// Four live batches, four perturbed ones, and the black picture that the detector begins with.
	assert.equal(order.filter((event) => event === "forward").length, 9);
});

test("a lossless source gives one perturbed batch to each live one, and a step for every window but the last", async () => {
	const { last } = await played(openMemoryCamera({ pictures: pictures(96, 100, 1) }), {
		settings: withLearning({ align: false }),
	});
	assert.equal(last.counts.windows, 6);
	assert.equal(last.counts.steps, 5);
});

test("a live source's waiting frames go before the perturbed pass", async () => {
	const inner = openMemoryCamera({ pictures: pictures(96, 100, 1) });
	const busy: Camera = {
		live: true,
		waiting: 4,
		dropped: 0,
		take: inner.take,
		close: () => inner.close(),
	};
	const { last } = await played(busy, { settings: withLearning({ align: false }) });
	assert.equal(last.counts.windows, 6);
	assert.equal(last.counts.steps, 0);
});

test("the old domain is stored on a change, and taken up again when it returns", async () => {
	const scenes = [...pictures(64, 100, 1), ...pictures(64, 20, 2), ...pictures(64, 100, 3)];
	const { on, bank, last } = await played(openMemoryCamera({ pictures: scenes }));
	const stored = await bank.domains();
	assert.deepEqual(
		stored.map(({ id }) => id),
		["d1", "d2"],
	);
	assert.equal(last.domain.id, "d1");
	assert.equal(last.domain.visits, 2);
	assert.equal(last.domain.status, "matched");
	assert.equal(last.counts.domainChanges, 2);
	const statuses = on("domain").map(({ payload }) => `${payload.id} ${payload.status}`);
	assert.deepEqual(statuses, ["d1 looking", "d1 new", "d2 looking", "d2 new", "d3 looking", "d1 matched"]);
});

test("alignment makes a dark scene look like the bright one", async () => {
	const bright = pictures(160, 100, 1);
	const dark = bright.map((picture) => picture.map((value) => Math.round(value / 3)));
	const model = memoryModel();
	const probabilities = async (scene: Uint8Array[], settings: Settings) => {
		const { rounds } = await played(openMemoryCamera({ pictures: scene }), { settings, model });
		return rounds.flatMap((round) => round.predictions.map((p) => p.probabilities)).slice(80);
	};
	const distance = async (settings: Settings) => {
		const [one, other] = [await probabilities(bright, settings), await probabilities(dark, settings)];
		return one.reduce((sum, row, i) => sum + Math.abs(row[0] - other[i][0]), 0);
	};
	const [frozen, aligned] = [await distance({ ...SETTINGS, learning: undefined }), await distance(SETTINGS)];
	assert.ok(aligned < frozen / 2, `${aligned} aligned, ${frozen} frozen`);
});

test("the same frames and seed give the same knowledge to the digit", async () => {
	const scenes = [...pictures(64, 100, 1), ...pictures(96, 40, 2)];
	const run = async () => checkpointOf((await played(openMemoryCamera({ pictures: scenes }))).last);
	assert.deepEqual({ ...(await run()), domain: 0 }, { ...(await run()), domain: 0 });
});

test("a step whose loss is not finite is dropped and counted, and θ stays finite", async () => {
	const model = memoryModel();
	let passes = 0;
	const broken: Model = {
		...model,
		forward: async (pixels, affine) => {
			const activations = await model.forward(pixels, affine);
			return ++passes % 2 ? activations : { ...activations, taps: activations.taps.map(() => Number.NaN) };
		},
	};
	const settings = withLearning({ align: false, window: 4 });
	const { last } = await played(openMemoryCamera({ pictures: pictures(32, 100, 1) }), { settings, model: broken });
	assert.ok(last.counts.droppedSteps > 0);
	assert.ok(affineOf(last, model.bundle.source.affine).every(Number.isFinite));
});

test("what was learned and gives no numbers is passed over for the model as it was prepared, until a step mends it", async () => {
	const model = memoryModel();
	const { affine: source } = model.bundle.source;
	const isSource = (affine: Float32Array) => source.every((value, i) => value === affine[i]);
	let broken = 0;
	const brittle: Model = {
		...model,
		forward: async (pixels, affine) => {
			const activations = await model.forward(pixels, affine);
			if (isSource(affine)) return activations;
			broken++;
			return { ...activations, logits: activations.logits.map(() => Number.NaN) };
		},
	};
	const dark = pictures(160, 20, 2);
	const { rounds, on } = await played(openMemoryCamera({ pictures: dark }), { model: brittle });
	assert.ok(broken > 0);
	assert.equal(on("predictions").length, dark.length);
	assert.ok(on("predictions").every(({ payload }) => Number(payload.score) > 0));
	for (const { failed, affines, knowledge } of rounds) {
		assert.ok(failed === 0 || (failed === 4 && isSource(affines[0] as Float32Array)));
		assert.ok(knowledge.alignment.every(Number.isFinite));
	}
	assert.ok(rounds.some(({ failed }) => failed === 4));
});

test("from a batch for which there are no numbers nothing is learned", async () => {
	const model = memoryModel();
	let pass = 0;
	const broken: Model = {
		...model,
		forward: async (pixels, affine) => {
			const activations = await model.forward(pixels, affine);
			// The pass of a round, and the one with the model as it was prepared that follows.
			if (![11, 12].includes(pass++)) return activations;
			const nothing = () => Number.NaN;
			return { ...activations, logits: activations.logits.map(nothing), sites: activations.sites.map(nothing) };
		},
	};
	const settings = withLearning({ refine: false });
	const { rounds, on } = await played(openMemoryCamera({ pictures: pictures(96, 100, 1) }), {
		settings,
		model: broken,
	});
	const empty = rounds.findIndex(({ predictions }) => predictions.length === 0);
	assert.equal(rounds[empty].failed, 4);
	assert.equal(on("predictions").length, 92);
	const [before, after] = [empty - 1, empty].map((n) => rounds[n].knowledge);
	assert.deepEqual({ ...after, random: 0 }, { ...before, random: 0 });
	const last = rounds[rounds.length - 1].knowledge;
	assert.ok(last.detector.reference?.mean.every(Number.isFinite));
});

test("zoa-reference takes its step within the round, on every batch", async () => {
	const settings: Settings = {
		batch: { frames: 16, patience: 5 },
		learning: { ...LEARNING, published: true, threshold: 0.1 },
	};
	const model = memoryModel();
	const start = firstKnowledge(model.bundle, [], { seed: 1, bank: 4, published: true, now: 0 });
	const { last, rounds } = await played(openMemoryCamera({ pictures: pictures(80, 100, 1) }), {
		settings,
		model,
		start,
	});
	assert.equal(last.counts.steps, 5);
	assert.ok(rounds.every((round) => round.loss !== undefined));
	assert.ok(last.shift);
});

test("a full bank evicts, in the mix and on disk alike", async () => {
	const scenes = [20, 60, 100, 140, 170, 20, 100].flatMap((brightness, i) => pictures(48, brightness, i + 1));
	const settings = withLearning({ bank: 2, nearness: 0 });
	const { bank, last } = await played(openMemoryCamera({ pictures: scenes }), { settings });
	const stored = await bank.domains();
	assert.equal(stored.length, 2);
	assert.deepEqual(
		stored.map(({ id }) => id),
		last.domains.map(({ id }) => id),
	);
	assert.equal(last.mix.vectors.length, 3);
});

test("a few odd frames are a passing lorry and not another domain", async () => {
	const scenes = [...pictures(64, 100, 1), ...pictures(24, 20, 2), ...pictures(64, 100, 3)];
	const { bank, last } = await played(openMemoryCamera({ pictures: scenes }));
	assert.equal(last.counts.domainChanges, 0);
	assert.equal(last.domain.id, "d1");
	assert.deepEqual(await bank.domains(), []);
});

test("every batch of a window was predicted with the θ that the step is about", async () => {
	const scenes = [...pictures(96, 100, 1), ...pictures(160, 20, 2), ...pictures(96, 60, 3)];
	const { rounds } = await played(openMemoryCamera({ pictures: scenes }));
	const source = memoryModel().bundle.source.affine;
	let checked = 0;
	for (const {
		knowledge,
		activations,
		affines: [affine],
	} of rounds)
		for (const seen of knowledge.window)
			if (seen.activations === activations) {
				const theta = affineOf(knowledge, source);
				assert.ok(theta.every((value, i) => Math.abs(value - affine[i]) < 1e-5));
				checked++;
			}
	assert.ok(checked > 20, String(checked));
});

test("a checkpoint gives the same θ when the entry it leaned on has gone", async () => {
	const scenes = [20, 60, 100, 140].flatMap((brightness, i) => pictures(80, brightness, i + 1));
	const model = memoryModel();
	const { last, bank } = await played(openMemoryCamera({ pictures: scenes }), { model });
	const source = model.bundle.source.affine;
	const fewer = (await bank.domains()).slice(0, 1);
	const first = firstKnowledge(model.bundle, fewer, { seed: 1, bank: 4, published: false, now: 0 });
	const again = affineOf(resumed(first, checkpointOf(last)) ?? first, source);
	const theta = affineOf(last, source);
	assert.ok(again.every((value, i) => Math.abs(value - theta[i]) < 1e-5));
	assert.equal(resumed(first, { learned: new Float32Array(3) }), undefined);
});

test("a checkpoint taken up again gives the same θ, whatever the bank has gained since", async () => {
	const scenes = [...pictures(64, 100, 1), ...pictures(64, 20, 2), ...pictures(40, 60, 3)];
	const model = memoryModel();
	const { last, bank } = await played(openMemoryCamera({ pictures: scenes }), { model });
	const checkpoint = structuredClone(checkpointOf(last)) as Checkpoint;
	const theta = affineOf(last, model.bundle.source.affine);
	const domains = await bank.domains();
	const extra = { ...domains[0], id: "d9", vector: domains[0].vector.map(() => 5) };
	for (const stored of [domains, [...domains, extra]]) {
		const first = firstKnowledge(model.bundle, stored, { seed: 1, bank: 4, published: false, now: 0 });
		const again = affineOf(resumed(first, checkpoint) ?? first, model.bundle.source.affine);
		const worst = again.reduce((max, value, i) => Math.max(max, Math.abs(value - theta[i])), 0);
		assert.ok(worst < 1e-4, `θ differs by ${worst}`);
	}
});

test("knowledge is stored every so many frames", async () => {
	const bank = openMemoryStore().bank("bundle", "camera");
	let stored = 0;
	const counting = {
		...bank,
		checkpoint: async (state: unknown) => {
			stored++;
			await bank.checkpoint(state);
		},
	};
	const model = memoryModel();
	const rounds = pipeline(
		{ camera: openMemoryCamera({ pictures: pictures(100, 100, 1) }), model, bank: counting, outlet: recorded().outlet },
		withLearning({ checkpoint: 32 }),
		begin(model),
	);
	await lastValueFrom(rounds.pipe(tap()));
	assert.equal(stored, 3);
});

test("zoa+ leaves an ordinary scene as it is, and a mixture of scenes that no parameters fit", async () => {
	const ordinary = clear(160, 1);
	const mixture = pictures(160, 100, 1).map((picture, i) => (i % 2 ? picture.map((value) => value / 8) : picture));
	for (const scene of [ordinary, mixture]) {
		const { last, rounds } = await played(openMemoryCamera({ pictures: scene }), {
			settings: withLearning({ sweep: { cpu: 0.2 } }),
		});
		assert.equal(rounds.flatMap((round) => round.predictions).length, scene.length);
		assert.ok(last.counts.steps > 0, "it was looked into");
		assert.ok(last.alignment.every((a) => a === 0));
	}
});

test("the README quotes the program as it is", () => {
	const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
	const [, body] = /learning \}: Settings,[^{]*\{\n(.*?)^\};/ms.exec(read("pipeline/pipeline.ts")) ?? [];
	const lines = body.split("\n").filter((line) => line.trim() !== "");
	const readme = read("README.md");
	assert.equal(lines.length, 10);
	for (const line of lines) assert.ok(readme.includes(`    ${line.trim()}\n`), line);
});
