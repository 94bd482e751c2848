import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { modelContract } from "../../adapters/model.contract.js";
import { openModel } from "../../adapters/model.js";
import { distance, forward, type TinyOptions, tinyTransformer, workshops, written } from "./fixtures.js";
import { drawnFrames, type ResNetOptions, tinyResNet } from "./fixtures.resnet.js";
import type { Graph } from "./graph/onnx.js";
import { prepare } from "./prepare.js";

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const open = workshops();

const RESNETS: Readonly<Record<string, ResNetOptions>> = {
	"a ResNet": {},
	"a ResNet with a MaxPool and biases beside its norms": { pool: true, bias: true },
	"a ResNet that pads by itself": { padding: "auto" },
	"a ResNet with ReLU6": { activation: "clip" },
	"a ResNet with HardSwish": { activation: "hardswish" },
	"a ResNet with squeeze and excitation": { squeeze: true },
	"a ResNet with its norms before the convolutions": { block: "before" },
	"a ResNet pooled by ReduceMean, of opset 18": { pooling: "reduce", opset: 18 },
	"a ResNet whose classifier is a convolution": { head: "conv" },
	"a ResNet with maps down to one pixel": { pool: true, stages: 4 },
	"depthwise convolutions": { block: "inverted", activation: "clip" },
	"depthwise convolutions, HardSwish and squeeze and excitation": {
		block: "inverted",
		activation: "hardswish",
		squeeze: true,
	},
};
const TRANSFORMERS: Readonly<Record<string, TinyOptions>> = {
	"norms behind the blocks": { norms: "post" },
	"norms behind the blocks, mean-pooled, no class token": { norms: "post", pooling: "mean", token: false },
	"norms behind the blocks and one more at the end": { norms: "post", final: "all" },
	"LayerNorms in single steps": { spelled: "steps" },
	"LayerNorms in single steps, a batch of one frame": { spelled: "steps", batch: "fixed" },
	"a mean over its patches": { pooling: "patches" },
	"a mean over its tokens, no class token, of opset 18": { pooling: "mean", token: false, opset: 18 },
	"a mean and a norm behind it": { pooling: "patches", final: "pooled" },
	"a mean and a norm behind it, in single steps": { pooling: "patches", final: "pooled", spelled: "steps" },
	"a final norm of the class token only": { final: "pooled" },
	"padded convolutions and norms behind the blocks": { stem: "padded", norms: "post" },
};
/** Which of the ResNets are tried with their norms folded as well. */
const FOLDED = [
	"a ResNet",
	"a ResNet that pads by itself",
	"a ResNet with squeeze and excitation",
	"depthwise convolutions",
];
/** Which of the transformers are tried in int8. */
const ROUNDED: readonly string[] = [
	"norms behind the blocks",
	"LayerNorms in single steps",
	"a mean and a norm behind it",
	"padded convolutions and norms behind the blocks",
];

interface Family {
	readonly name: string;
	readonly model: () => Graph;
	readonly rounded: boolean;
}

const FAMILIES: readonly Family[] = [
	...Object.entries(RESNETS).flatMap(([name, options]) =>
		(FOLDED.includes(name) ? (["live", "folded"] as const) : (["live"] as const)).map((norms) => ({
			name: `${name}, BatchNorms ${norms}`,
			model: () => tinyResNet({ ...options, norms }),
			rounded: norms === "live",
		})),
	),
	...Object.entries(TRANSFORMERS).map(([name, options]) => ({
		name: `a transformer with ${name}`,
		model: () => tinyTransformer(options),
		rounded: ROUNDED.includes(name),
	})),
];

describe("a model prepared in float gives the logits of the original", () => {
	for (const { name, model } of FAMILIES) {
		it(name, async () => {
			const { report } = await prepare({ ...(await open(model())), ...imagenet, bits: 32 });
			assert.equal(report.agreement, 1);
			assert.ok(report.logitError.max <= 1e-4, `largest logit error ${report.logitError.max}`);
		});
	}
});

describe("a model prepared in int8 stays close to the original", () => {
	for (const { name, model } of FAMILIES.filter(({ rounded }) => rounded)) {
		it(name, async () => {
			const { report } = await prepare({ ...(await open(model())), ...imagenet });
			// The deepest network's logits are twice as large as the others'.
			const limit = name.includes("one pixel") ? 0.6 : 0.25;
			assert.ok(report.logitError.max < limit, `largest logit error ${report.logitError.max}`);
			assert.ok(report.agreement >= 0.8, `agreement ${report.agreement}`);
		});
	}
});

describe("BatchNorms folded or live", () => {
	/** The logits of both for frames that neither was calibrated with. */
	async function both(options: ResNetOptions, bits: 8 | 32): Promise<Float32Array[]> {
		return Promise.all(
			(["live", "folded"] as const).map(async (norms) => {
				const shop = await open(tinyResNet({ ...options, norms }));
				await prepare({ ...shop, ...imagenet, bits });
				const { source } = await openBundle(shop.out);
				return (await forward(await written(shop), drawnFrames(8), source.affine)).logits;
			}),
		);
	}

	for (const [name, options] of Object.entries({ ResNet: {}, depthwise: RESNETS["depthwise convolutions"] })) {
		it(`give the same logits in float (${name})`, async () => {
			const [live, folded] = await both(options, 32);
			assert.ok(distance(live, folded) < 1e-4, `largest difference ${distance(live, folded)}`);
		});

		it(`give nearly the same logits in int8 (${name})`, async () => {
			const [live, folded] = await both(options, 8);
			assert.ok(distance(live, folded) < 0.15, `largest difference ${distance(live, folded)}`);
		});
	}
});

const CONTRACTED: readonly [string, Graph, 8 | 32][] = [
	["a ResNet with live BatchNorms", tinyResNet({ pool: true, stages: 4 }), 8],
	["a ResNet with folded BatchNorms", tinyResNet({ norms: "folded", squeeze: true }), 8],
	["a ResNet with its norms before", tinyResNet({ block: "before" }), 8],
	["a network of depthwise convolutions", tinyResNet({ block: "inverted", activation: "clip", head: "conv" }), 8],
	["a network of depthwise convolutions", tinyResNet({ block: "inverted", activation: "hardswish" }), 32],
	["a post-norm transformer", tinyTransformer({ norms: "post", pooling: "mean", token: false }), 8],
	["a mean-pooled transformer", tinyTransformer({ pooling: "patches", final: "pooled", spelled: "steps" }), 8],
];
for (const [name, model, bits] of CONTRACTED) {
	const prepared = async () => {
		const shop = await open(model);
		await prepare({ ...shop, ...imagenet, bits });
		return shop.out;
	};
	let bundle: Promise<string> | undefined;
	modelContract(`${name} prepared in ${bits} bits`, async () => {
		bundle ??= prepared();
		return openModel(await openBundle(await bundle), { threads: 1 });
	});
}
