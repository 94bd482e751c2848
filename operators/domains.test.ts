import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryModel } from "../adapters/model.memory.js";
import { adaptationPayload } from "./announce.js";
import { recalled } from "./domains.js";
import { checkpointOf, firstKnowledge, resumed } from "./knowledge.js";
import type { DomainRecord } from "./types.js";
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
