import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openBundle } from "../../adapters/bundle.js";
import { openModel } from "../../adapters/model.js";
import type { Activations, Model } from "../../operators/types.js";
import { drawPictures } from "./fixtures.js";
import { prepare } from "./prepare.js";

const golden = process.env.GOLDEN_DIR ?? join(repository(), "../shared/golden");
const skip = existsSync(join(golden, "trace.json")) ? false : `no golden trace in ${golden}; set GOLDEN_DIR`;

/** The nearest directory above this file with a lock file; compiled tests lie deeper than their sources. */
function repository(): string {
	let directory = dirname(fileURLToPath(import.meta.url));
	while (!existsSync(join(directory, "package-lock.json")) && directory !== dirname(directory))
		directory = dirname(directory);
	return directory;
}

interface Trace {
	readonly sites: readonly { readonly name: string; readonly channels: number }[];
	readonly hyper: { readonly weight_margin: number };
	readonly arrays: Readonly<Record<string, { readonly offset: number; readonly shape: readonly number[] }>>;
}

describe("the golden model, prepared in float", { skip }, () => {
	const FRAMES = 64;
	let directory: string;
	let trace: Trace;
	let array: (name: string) => Float32Array;
	let model: Model;

	before(async () => {
		directory = await mkdtemp(join(tmpdir(), "acclimate-golden-"));
		trace = JSON.parse(await readFile(join(golden, "trace.json"), "utf8"));
		const floats = new Float32Array(new Uint8Array(await readFile(join(golden, "trace.f32"))).buffer);
		array = (name) => {
			const { offset, shape } = trace.arrays[name];
			return floats.subarray(offset, offset + shape.reduce((product, length) => product * length, 1));
		};
		await drawPictures(join(directory, "pictures"));
		const labels = join(directory, "labels.txt");
		await writeFile(labels, "0\n1\n2\n3\n4\n5\n");
		await prepare({
			model: join(golden, "vit-fp32.onnx"),
			calibration: join(directory, "pictures"),
			out: join(directory, "bundle"),
			bits: 32,
			mean: [0.5, 0.5, 0.5],
			std: [0.5, 0.5, 0.5],
			labels,
			sites: trace.sites.map(({ name }) => name),
		});
		model = await openModel(await openBundle(join(directory, "bundle")), { threads: 2 });
	});
	after(async () => {
		await model?.close();
		await rm(directory, { recursive: true });
	});

	/** One of the two batches of `pixels.u8`, its planes R, G, B put in the order G, B, R. */
	async function batch(which: 0 | 1): Promise<Uint8Array<ArrayBuffer>> {
		const bytes = await readFile(join(golden, "pixels.u8"));
		const area = 64 * 64;
		const size = FRAMES * 3 * area;
		const pixels = new Uint8Array(size);
		for (let plane = 0; plane < FRAMES * 3; plane++) {
			const channel = [1, 2, 0][plane % 3];
			const from = which * size + (plane - (plane % 3) + channel) * area;
			pixels.set(bytes.subarray(from, from + area), plane * area);
		}
		return pixels;
	}

	function checkStep(step: number, found: Activations): void {
		const F = found.taps.length / FRAMES;
		const column = (f: number) => Array.from({ length: FRAMES }, (_, i) => found.taps[i * F + f]);
		const mean = Array.from({ length: F }, (_, f) => average(column(f)));
		const deviation = mean.map((m, f) => Math.sqrt(column(f).reduce((sum, v) => sum + (v - m) ** 2, 0) / (FRAMES - 1)));
		close(mean, array(`${step}.forward.mean`), "mean of the taps");
		close(deviation, array(`${step}.forward.std`), "deviation of the taps");
		close(found.logits, array(`${step}.forward.logits`), "logits");
		const { channels: E, positions } = model.bundle.manifest.stem;
		const stem = (moment: number, e: number) =>
			average(Array.from({ length: FRAMES }, (_, i) => found.stem[(2 * i + moment) * E + e]));
		const n = FRAMES * positions;
		const stemMean = Array.from({ length: E }, (_, e) => stem(0, e));
		close(stemMean, array(`${step}.detect.0.mean`), "mean of the stem");
		const variance = stemMean.map((m, e) => ((stem(1, e) - m * m) * n) / (n - 1));
		close(variance, array(`${step}.detect.0.var`), "variance of the stem");
	}

	it("has the sites of the trace perturbed, and their source values", () => {
		const { manifest, source } = model.bundle;
		const perturbed = manifest.sites.filter((site) => site.perturbed);
		assert.deepEqual(
			perturbed.map(({ name }) => name),
			trace.sites.map(({ name }) => name),
		);
		const affine = perturbed.flatMap(({ offset, channels }) => [...source.affine.slice(offset, offset + 2 * channels)]);
		assert.deepEqual(affine, [...array("source.affine")]);
	});

	it("sees what the published code saw in the first batch", async () => {
		checkStep(0, await model.forward(await batch(0), model.bundle.source.affine));
	});

	it("sees what the published code saw after its first change, with the affine replayed to there", async () => {
		const affine = model.bundle.source.affine.slice();
		const fused = fusedAfterFirstChange(trace, array);
		let at = 0;
		for (const site of model.bundle.manifest.sites) {
			if (!site.perturbed) continue;
			for (let i = 0; i < 2 * site.channels; i++) affine[site.offset + i] += fused[at++];
		}
		checkStep(5, await model.forward(await batch(1), affine));
	});
});

/**
 * θ − θ0 after step 4, where the first change was. Until then there is no entry, and what a change remembers is ε as step 3
 * left it; the entry's vector is V = ε₃, and θ = θ0 + π₁·V + ε₄.
 */
function fusedAfterFirstChange(trace: Trace, array: (name: string) => Float32Array): Float64Array {
	const V = array("3.eps");
	const eps = array("4.eps");
	const weights = array("4.alpha").map((alpha) => Math.exp(10 * alpha));
	assert.equal(weights.length, 2);
	assert.equal(
		eps.length,
		trace.sites.reduce((sum, { channels }) => sum + 2 * channels, 0),
	);
	const share = weights[1] / (weights[0] + weights[1]);
	return Float64Array.from(eps, (value, i) => value + share * V[i]);
}

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function close(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
	assert.equal(found.length, expected.length);
	let worst = 0;
	for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i] - expected[i]));
	assert.ok(worst <= 1e-3, `${what}: largest difference ${worst}`);
}
