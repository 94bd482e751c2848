import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import type { Manifest } from "../../operators/types.js";
import { forward, type TinyOptions, tinyTransformer, workshops, written } from "./fixtures.js";
import { drawnFrames, tinyResNet } from "./fixtures.resnet.js";
import type { Graph } from "./graph/onnx.js";
import { type PrepareOptions, prepare } from "./prepare.js";

const open = workshops();
/** Names, an asterisk behind those that are perturbed. */
async function sitesOf(model: Graph, options: Partial<PrepareOptions> = {}): Promise<string[]> {
	const { manifest } = await prepare({ ...(await open(model)), bits: 32, ...options });
	return namesOf(manifest);
}
const namesOf = ({ sites }: Manifest) => sites.map(({ name, perturbed }) => name + (perturbed ? "*" : ""));

describe("the sites of a ResNet", () => {
	it("are called by stage and number, live or folded", async () => {
		const rest = (kind: string) => [
			"stem",
			`stages.0.${kind}0`,
			`stages.0.${kind}2*`,
			`stages.1.${kind}0*`,
			`stages.1.${kind}3*`,
			`stages.2.${kind}0`,
			`stages.2.${kind}3`,
		];
		assert.deepEqual(await sitesOf(tinyResNet({ stages: 3 })), rest("norm"));
		assert.deepEqual(await sitesOf(tinyResNet({ stages: 3, norms: "folded" })), rest("conv"));
	});

	it("leave out what goes straight into a sum, unless it is asked for", async () => {
		const model = tinyResNet({ norms: "folded" });
		// The second convolution of the first block, and the shortcut of the third.
		assert.deepEqual(await sitesOf(model, { sites: ["stages.0.conv1", "stages.1.conv2"] }), [
			"stem",
			"stages.0.conv0",
			"stages.0.conv1*",
			"stages.0.conv2",
			"stages.1.conv0",
			"stages.1.conv2*",
			"stages.1.conv3",
		]);
		const all = await sitesOf(model, { sites: ["*"] });
		assert.equal(all.length, 10);
		assert.ok(all.every((name) => name.endsWith("*")));
	});

	it("reproduce the model when all are opened, in float and nearly in int8", async () => {
		for (const norms of ["live", "folded"] as const) {
			const shop = await open(tinyResNet({ norms, pool: true }));
			const float = await prepare({ ...shop, sites: ["*"], bits: 32, out: `${shop.out}.float` });
			assert.ok(float.report.logitError.max <= 1e-4);
			const { report } = await prepare({ ...shop, sites: ["*"] });
			assert.ok(report.logitError.max < 0.25, `largest logit error ${report.logitError.max}`);
		}
	});

	it("include the projections that no sum follows, but neither depthwise convolutions nor squeeze and excitation", async () => {
		const names = await sitesOf(tinyResNet({ block: "inverted", squeeze: true, norms: "folded" }));
		// Two convolutions of each squeeze lie between the depthwise one and the projection; maps alone are counted.
		assert.deepEqual(names, ["stem", "stages.0.conv0", "stages.0.conv3*", "stages.0.conv6*", "stages.1.conv2"]);
	});

	it("are norms that stand before convolutions too, but not the first that reads the stem", async () => {
		const shop = await open(tinyResNet({ block: "before", norms: "folded" }));
		const { manifest } = await prepare({ ...shop, bits: 32 });
		assert.deepEqual(new Set(manifest.sites.slice(1).map(({ kind }) => kind)), new Set(["batchnorm"]));
		assert.deepEqual(namesOf(manifest), [
			"stem",
			"stages.0.norm0*",
			"stages.0.norm1*",
			"stages.1.norm0",
			"stages.1.norm1",
		]);
	});

	it("keep the scales and biases of live norms, and are one and zero where they were folded", async () => {
		const { manifest, source } = await sourceOf(tinyResNet());
		const scales = manifest.sites.flatMap(({ kind, offset, channels }) =>
			kind === "batchnorm" ? [...source.subarray(offset, offset + channels)] : [],
		);
		assert.ok(new Set(scales).size > scales.length / 2);
		const folded = await sourceOf(tinyResNet({ norms: "folded" }));
		for (const { offset, channels } of folded.manifest.sites) {
			const values = [...folded.source.subarray(offset, offset + 2 * channels)];
			assert.deepEqual(values, [...Array(channels).fill(1), ...Array(channels).fill(0)]);
		}
	});
});

async function sourceOf(model: Graph) {
	const shop = await open(model);
	const { manifest } = await prepare({ ...shop, bits: 32 });
	const { source } = await openBundle(shop.out);
	return { manifest, source: source.affine };
}

describe("the taps and the stem", () => {
	const cases: readonly [string, Graph, readonly number[], Manifest["stem"]][] = [
		["of a ResNet are its stages and the first convolution", tinyResNet({ stages: 3 }), [8, 16, 16], stem(8, 64)],
		["of a class token are the blocks' and the last norm", transformer({}), [16, 16, 16], stem(16, 16)],
		["of post-norm blocks are what they make", transformer({ norms: "post" }), [16, 16, 16], stem(16, 16)],
		[
			"of a mean over patches leave the class token out",
			transformer({ pooling: "patches" }),
			[16, 16, 16],
			stem(16, 16),
		],
		[
			"of a norm behind the pooling end with what the classifier reads",
			transformer({ pooling: "patches", final: "pooled" }),
			[16, 16, 16],
			stem(16, 16),
		],
		["of a norm of the class token alone likewise", transformer({ final: "pooled" }), [16, 16, 16], stem(16, 16)],
	];
	for (const [title, model, stages, expected] of cases) {
		it(title, async () => {
			const { manifest } = await prepare({ ...(await open(model)), bits: 32 });
			assert.deepEqual(manifest.taps.stages, stages);
			assert.deepEqual(manifest.stem, expected);
		});
	}

	it("end with the features themselves where the last norm is of one vector", async () => {
		const shop = await open(transformer({ pooling: "patches", final: "pooled" }));
		const { manifest } = await prepare({ ...shop, bits: 32 });
		const { source } = await openBundle(shop.out);
		const { taps, features } = await forward(await written(shop), drawnFrames(2, 16), source.affine);
		const width = manifest.features;
		for (const frame of [0, 1]) {
			const tapped = taps.subarray((3 * frame + 2) * width, (3 * frame + 3) * width);
			assert.deepEqual(tapped, features.subarray(frame * width, (frame + 1) * width));
		}
	});
});

function transformer(options: TinyOptions): Graph {
	return tinyTransformer({ blocks: 3, ...options });
}
function stem(channels: number, positions: number): Manifest["stem"] {
	return { channels, positions };
}
