import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EdgeError, type Manifest, type Model } from "../operators/types.js";

/**
 * What everything that calls itself a `Model` has to do.
 * @param open is called for each test that closes its model
 * @param step how exact logits are: the step of their bytes, where the classifier came quantized
 */
export function modelContract(name: string, open: () => Promise<Model>, step = 1e-3): void {
	describe(`${name} as a model`, () => {
		let model: Model;
		before(async () => {
			model = await open();
		});
		after(() => model.close());

		it("gives other logits when the scale or the bias of any site changes", async () => {
			const { manifest, source } = model.bundle;
			const plain = await model.forward(frames(manifest, 3), source.affine);
			for (const { name: site, offset, channels } of manifest.sites) {
				for (const part of ["scale", "bias"]) {
					const affine = source.affine.slice();
					const start = part === "scale" ? offset : offset + channels;
					for (let i = 0; i < channels; i++) affine[start + i] += 0.5 * Math.sin(1 + i * i);
					const { logits } = await model.forward(frames(manifest, 3), affine);
					assert.ok(distance(logits, plain.logits) > 1e-3, `${part} of ${site} does nothing`);
				}
			}
		});

		it("returns arrays of the shapes that its manifest promises", async () => {
			const { manifest, source } = model.bundle;
			const found = await model.forward(frames(manifest, 3), source.affine);
			const sum = (values: readonly number[]) => values.reduce((a, b) => a + b);
			assert.equal(found.frames, 3);
			assert.equal(found.logits.length, 3 * manifest.labels.length);
			assert.equal(found.features.length, 3 * manifest.features);
			assert.equal(found.taps.length, 3 * sum(manifest.taps.stages));
			assert.equal(found.stem.length, 3 * 2 * manifest.stem.channels);
			assert.equal(found.sites.length, 3 * 2 * sum(manifest.sites.map(({ channels }) => channels)));
			assert.ok(found.logits.every(Number.isFinite));
		});

		it("gives a frame the same activations alone as in a batch", async () => {
			const { manifest, source } = model.bundle;
			const together = await model.forward(frames(manifest, 3), source.affine);
			const size = 3 * manifest.input.width * manifest.input.height;
			for (let i = 0; i < 3; i++) {
				const alone = await model.forward(frames(manifest, 3).slice(i * size, (i + 1) * size), source.affine);
				for (const key of ["logits", "features", "taps", "stem", "sites"] as const) {
					const width = alone[key].length;
					const same = together[key].subarray(i * width, (i + 1) * width);
					assert.ok(distance(alone[key], same) < 1e-4 * (1 + largest(same)), `${key} of frame ${i}`);
				}
			}
		});

		it("measures moments before the affine of their site", async () => {
			const { manifest, source } = model.bundle;
			const plain = await model.forward(frames(manifest, 2), source.affine);
			const last = manifest.sites[manifest.sites.length - 1];
			const affine = source.affine.slice();
			for (let i = 0; i < 2 * last.channels; i++) affine[last.offset + i] += 1;
			const moved = await model.forward(frames(manifest, 2), affine);
			assert.deepEqual(moved.sites, plain.sites);
			assert.notDeepEqual(moved.features, plain.features);
		});

		it("has a head that is linear in its features", async () => {
			const { manifest, source } = model.bundle;
			const { logits, features } = await model.forward(frames(manifest, 2), source.affine);
			const d = manifest.features;
			const C = manifest.labels.length;
			const product = (frame: number, c: number) => {
				let sum = 0;
				for (let k = 0; k < d; k++) sum += source.head[c * d + k] * features[frame * d + k];
				return sum;
			};
			// The bias is the same for both frames.
			for (let c = 0; c < C; c++) {
				assert.ok(Math.abs(logits[C + c] - logits[c] - (product(1, c) - product(0, c))) < 1.01 * step);
			}
		});

		it("takes the pixels and leaves the affine to the caller", async () => {
			const { manifest, source } = model.bundle;
			const pixels = frames(manifest, 1);
			const affine = source.affine.slice();
			const result = model.forward(pixels, affine);
			assert.equal(pixels.buffer.byteLength, 0);
			affine.fill(Number.NaN);
			const { logits } = await result;
			assert.deepEqual(logits, (await model.forward(frames(manifest, 1), source.affine)).logits);
		});

		it("looks at the stem as a forward shows it, and takes the pixels", async () => {
			const { manifest, source } = model.bundle;
			const [{ channels }] = manifest.sites;
			const { sites } = await model.forward(frames(manifest, 3), source.affine);
			const pixels = frames(manifest, 3);
			const looks = model.look(pixels);
			assert.equal(pixels.buffer.byteLength, 0);
			const width = sites.length / 3 / 2;
			assert.deepEqual(
				await looks,
				sites.filter((_, i) => i % width < channels),
			);
			await assert.rejects(model.look(new Uint8Array(7)), isModelError(/frames of \d+ bytes/));
		});

		it("answers calls in the order they were made", async () => {
			const { manifest, source } = model.bundle;
			const order: number[] = [];
			const calls = [4, 1, 2].map(async (count) => {
				const found = await model.forward(frames(manifest, count), source.affine);
				order.push(found.frames);
			});
			await Promise.all(calls);
			assert.deepEqual(order, [4, 1, 2]);
		});

		it("rejects a batch that is not whole frames and an affine of another length", async () => {
			const { manifest, source } = model.bundle;
			await assert.rejects(model.forward(new Uint8Array(7), source.affine), isModelError(/frames of \d+ bytes/));
			await assert.rejects(model.forward(new Uint8Array(0), source.affine), isModelError(/found 0 bytes/));
			const short = source.affine.slice(1);
			await assert.rejects(model.forward(frames(manifest, 1), short), isModelError(/affine values/));
		});

		it("rejects a forward after close, and may be closed twice", async () => {
			const closing = await open();
			const { manifest, source } = closing.bundle;
			await Promise.all([closing.close(), closing.close()]);
			await closing.close();
			await assert.rejects(closing.forward(frames(manifest, 1), source.affine), isModelError(/closed/));
			await assert.rejects(closing.look(frames(manifest, 1)), isModelError(/closed/));
		});
	});
}

/** Pictures that differ from each other and from place to place. */
function frames({ input }: Manifest, count: number): Uint8Array<ArrayBuffer> {
	const size = 3 * input.width * input.height;
	return Uint8Array.from({ length: count * size }, (_, i) => {
		const frame = Math.floor(i / size);
		return 128 + 90 * Math.sin(i * (0.011 + 0.007 * frame)) + 37 * Math.sin(i * i * 0.13);
	});
}

const isModelError = (message: RegExp) => (error: unknown) => {
	assert.ok(error instanceof EdgeError);
	assert.equal(error.code, "model");
	assert.match(error.message, message);
	return true;
};

const distance = (a: Float32Array, b: Float32Array) =>
	a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
const largest = (a: Float32Array) => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
