import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryModel } from "../adapters/model.memory.js";
import { adaptationPayload } from "./announce.js";
import { entered, lookedUp, recalled } from "./domains.js";
import { LEARNING } from "./fixtures.js";
import { checkpointOf, firstKnowledge, resumed } from "./knowledge.js";
import type { DomainRecord } from "./types.js";
import { perturbedSpans } from "./zoa/mix.js";
import { zeros } from "./zoa/vector.js";

const { bundle } = memoryModel();
const { affine, stem } = bundle.manifest;
const record = (id: string): DomainRecord => ({
	id,
	name: id,
	vector: zeros(affine),
	alignment: zeros(affine),
	stemMean: zeros(stem.channels),
	stemVariance: zeros(stem.channels),
	madeAt: 0,
	lastUsedAt: 0,
	visits: 1,
	steps: 1,
});
const options = { seed: 1, bank: 4, published: false, now: 0 };

test("what was gained in a domain comes back with it and after a restart; an older record says nothing of it", () => {
	const first = firstKnowledge(bundle, [{ ...record("d1"), gain: 0.5 }, record("d2")], options);
	assert.ok(!("gain" in adaptationPayload(first, "holding", undefined)));
	const known = recalled(first, 0);
	assert.equal(adaptationPayload(known, "holding", undefined).gain, 0.5);
	assert.equal(resumed(first, structuredClone(checkpointOf(known)))?.gain, 0.5);
	const older = recalled(known, 1);
	assert.ok(!("gain" in adaptationPayload(older, "holding", undefined)));
});

test("a checkpoint that knows nothing of a gain is taken up", () => {
	const first = firstKnowledge(bundle, [], options);
	const { gain: _, ...older } = checkpointOf({ ...first, gain: 0.5 });
	assert.equal(resumed(first, structuredClone(older))?.gain, undefined);
	assert.ok(resumed(first, structuredClone(older)));
});

test("under zoa+ a full bank gives up one of the two domains that look most alike, under zoa of those that learned most alike", () => {
	const looks = [0, 40, 10, 10.1];
	const vectors = [1, 1, -1, 0].map((value) => zeros(affine).fill(value));
	const stored = looks.map((look, i) => ({
		...record(`d${i + 1}`),
		stemMean: zeros(stem.channels).fill(look),
		stemVariance: zeros(stem.channels).fill(1),
		lastUsedAt: i,
	}));
	const givenUp = (domains: readonly DomainRecord[], learning: Partial<typeof LEARNING>) => {
		const first = firstKnowledge(bundle, domains, options);
		const reference = { mean: zeros(stem.channels), variance: zeros(stem.channels) };
		const present = {
			...first,
			domain: { ...first.domain, status: "new" as const },
			detector: { ...first.detector, reference },
		};
		return entered(present, { ...LEARNING, ...learning }, perturbedSpans(bundle.manifest.sites), 0).removed;
	};
	assert.deepEqual(givenUp(stored, { refine: false, sweep: { cpu: 0.2 } }), ["d3"]);
	const learned = stored.map((one, i) => ({ ...one, vector: vectors[i] }));
	assert.deepEqual(givenUp(learned, {}), ["d1"]);
});

test("what was taken up and never tried leaves what is stored as it is when the next change comes", () => {
	const look = { mean: zeros(stem.channels), variance: zeros(stem.channels).fill(1) };
	const stored = {
		...record("d1"),
		alignment: zeros(affine + 1).fill(0.1),
		stemMean: look.mean,
		stemVariance: look.variance,
	};
	const first = firstKnowledge(bundle, [stored], options);
	const learning = { ...LEARNING, sweep: { cpu: 0.2 } };
	const known = { ...first, detector: { ...first.detector, reference: look } };
	const taken = lookedUp(known, look, learning);
	assert.ok(taken.isUnproven && taken.domain.status === "matched");
	const changed = (isUnproven: boolean) =>
		entered({ ...taken, isUnproven }, learning, perturbedSpans(bundle.manifest.sites), 9);
	assert.equal(changed(true).put, undefined);
	assert.deepEqual(
		[changed(true), changed(false)].map(({ knowledge }) => knowledge.domains.map(({ id, visits }) => [id, visits])),
		[[["d1", 1]], [["d1", 2]]],
	);
	assert.ok(!changed(true).knowledge.isUnproven);
	assert.ok(!lookedUp(known, look, LEARNING).isUnproven, "zoa tries nothing");
});

test("a domain that was found to need an alignment is not one that needs none, however alike they look", () => {
	const look = { mean: zeros(stem.channels), variance: zeros(stem.channels).fill(1) };
	const plain = { ...record("d1"), stemMean: look.mean, stemVariance: look.variance };
	const first = firstKnowledge(bundle, [plain], options);
	const known = { ...first, detector: { ...first.detector, reference: look } };
	const learned = { ...known, alignment: zeros(affine).fill(0.1) };
	const statusOf = (knowledge: typeof known) => lookedUp(knowledge, look, LEARNING).domain.status;
	assert.equal(statusOf(known), "matched");
	assert.equal(statusOf(learned), "matched", "nothing was found: that is what the domain before had");
	const found = { ...learned, tuned: { ...learned.tuned, sweeps: 1 } };
	assert.equal(statusOf(found), "new");
	assert.equal(lookedUp(found, look, LEARNING).domain.distance, undefined);
});
