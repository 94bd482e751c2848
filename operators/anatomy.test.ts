import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryModel } from "../adapters/model.memory.js";
import { planOf, shownIn } from "./anatomy.js";
import type { Bundle } from "./types.js";

const { bundle } = memoryModel();
const sites = Float32Array.from([...bundle.source.sites, ...bundle.source.sites]);
const passOf = (logits: readonly number[]) => ({
	frames: 2,
	logits: Float32Array.from(logits),
	sites,
	...{ features: new Float32Array(0), taps: new Float32Array(0), stem: new Float32Array(0) },
});

test("the classes of a pass are concentrated by 0 where all are seen alike, by 1 where one is", () => {
	const plan = planOf(bundle);
	assert.ok(Math.abs(plan.measurement(shownIn([passOf([0, 0, 0, 0, 0, 0])])).concentration) < 1e-6);
	assert.ok(Math.abs(plan.measurement(shownIn([passOf([99, 0, 0, 99, 0, 0])])).concentration - 1) < 1e-6);
});

test("a model with a single label sees nothing but it", () => {
	const single: Bundle = {
		...bundle,
		manifest: { ...bundle.manifest, labels: ["vehicle"] },
		source: { ...bundle.source, sitesByClass: bundle.source.sites },
	};
	assert.equal(planOf(single).measurement(shownIn([passOf([0.3, -2])])).concentration, 1);
});
