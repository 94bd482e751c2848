import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openBundle } from "../../../adapters/bundle.js";
import type { Bundle, Model } from "../../../operators/types.js";
import { Mistake } from "../../mistake.js";
import { type TinyOptions, type Workshop, workshop } from "../../prepare/fixtures.js";
import { openSession } from "../../prepare/graph/session.js";
import { prepare } from "../../prepare/prepare.js";
import { answersOf, changed, openBundled, patterns } from "./fixtures.js";
import { foa } from "./foa.js";
import { promptedGraph } from "./prompts.js";

describe("a model with prompts", () => {
	const shops: Workshop[] = [];
	after(() => Promise.all(shops.map((shop) => shop.remove())));
	const prepared = async (options: TinyOptions, bits: 8 | 32): Promise<Bundle> => {
		const shop = await workshop(options);
		shops.push(shop);
		await prepare({ ...shop, bits });
		return openBundle(shop.out);
	};
	const run = async (bundle: Bundle, prompts: number, value: (i: number) => number, frames = 2) => {
		const { manifest, source } = bundle;
		const { width, height } = manifest.input;
		const session = await openSession(await promptedGraph(bundle, prompts));
		const pixels = Uint8Array.from({ length: frames * 3 * width * height }, (_, i) => 128 + 90 * Math.sin(i * 0.7));
		const found = await session.run({
			pixels: { data: pixels, dims: [frames, 3, height, width] },
			affine: { data: source.affine, dims: [source.affine.length] },
			prompts: {
				data: Float32Array.from({ length: prompts * manifest.stem.channels }, (_, i) => value(i)),
				dims: [prompts, manifest.stem.channels],
			},
		});
		await session.close();
		return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
	};

	const kinds: [string, TinyOptions, 8 | 32][] = [
		["in float", {}, 32],
		["in int8", {}, 8],
		["with linear layers written as Gemm", { gemm: true, batch: "fixed" }, 32],
		["with norms in single steps", { spelled: "steps" }, 32],
		["with norms behind the branches", { norms: "post" }, 32],
	];
	for (const [name, options, bits] of kinds) {
		it(`gives each frame's logits, features and taps, which answer to the prompts (${name})`, async () => {
			const bundle = await prepared(options, bits);
			const { manifest } = bundle;
			const found = await run(bundle, 3, (i) => Math.sin(i));
			assert.deepEqual(Object.keys(found).sort(), ["features", "logits", "taps"]);
			assert.equal(found.logits.length, 2 * manifest.labels.length);
			assert.equal(found.features.length, 2 * manifest.features);
			assert.equal(found.taps.length, 2 * bundle.source.tapMean.length);
			const other = await run(bundle, 3, (i) => Math.cos(i));
			assert.ok(other.logits.some((logit, i) => Math.abs(logit - found.logits[i]) > 1e-4));
		});
	}

	it("does not mind in what order prompts come, and does mind how many", async () => {
		const bundle = await prepared({}, 32);
		const width = bundle.manifest.stem.channels;
		const once = await run(bundle, 1, (i) => Math.sin(i));
		const twice = await run(bundle, 2, (i) => Math.sin(i % width));
		const swapped = await run(bundle, 2, (i) => Math.sin((i + width) % width));
		assert.deepEqual(twice.logits, swapped.logits);
		assert.ok(once.logits.some((logit, i) => Math.abs(logit - twice.logits[i]) > 1e-5));
	});

	it("is refused where the classifier takes a mean that would take in the prompts", async () => {
		const bundle = await prepared({ pooling: "mean" }, 32);
		await assert.rejects(
			promptedGraph(bundle, 3),
			(error) => error instanceof Mistake && /mean of/.test(error.message),
		);
	});
});

describe("foa on the bundled transformer", () => {
	let model: Model;
	before(async () => {
		model = await openBundled("vit");
	});
	after(() => model.close());

	it("makes as many passes as its name says, and one of a small batch, from which it learns nothing", async () => {
		const frames = patterns(model, 40);
		const [large, small] = await answersOf(foa(6), model, [frames, frames.slice(0, 5)]);
		assert.equal(large.passes, 6 * 40);
		assert.equal(small.passes, 5);
	});

	it("lowers its fitness from one batch to the next", async () => {
		const fog = changed(patterns(model, 32), (value) => 0.35 * value + 0.65 * 200);
		const values: number[] = [];
		await answersOf(
			foa(12, (value) => values.push(value)),
			model,
			Array.from({ length: 14 }, () => fog),
		);
		const mean = (some: readonly number[]) => some.reduce((a, b) => a + b) / some.length;
		assert.ok(mean(values.slice(-3)) < mean(values.slice(0, 3)), values.map((v) => v.toFixed(2)).join(" "));
	});

	it("refuses a model without tokens", async () => {
		const cnn = await openBundled("cnn");
		assert.match(foa(2).refuses(cnn.bundle.manifest) ?? "", /tokens/);
		await cnn.close();
	});
});
