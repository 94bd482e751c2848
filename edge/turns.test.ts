import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../adapters/bundle.js";
import { openModel } from "../adapters/model.js";
import type { Activations, Model } from "../operators/types.js";
import { bundled } from "./paths.js";
import { openTurns, type Seat } from "./turns.js";

/** A model that does one pass when told to, and remembers whose they were, by their first byte. */
const stepped = () => {
	const order: number[] = [];
	const waiting: (() => void)[] = [];
	const model = {
		forward: (pixels: Uint8Array) => {
			order.push(pixels[0]);
			return new Promise<Activations>((done) => waiting.push(() => done({} as Activations)));
		},
	} as unknown as Model;
	const step = async () => {
		waiting.shift()?.();
		await new Promise(setImmediate);
	};
	return { model, order, step };
};

const ask = (model: Model, name: number) => model.forward(Uint8Array.of(name), new Float32Array());

describe("turns at the model", () => {
	it("go round, though one camera asks for more", async () => {
		const { model, order, step } = stepped();
		const seat = openTurns(model);
		const [greedy, one, other] = [seat(), seat(), seat()];
		for (let i = 0; i < 4; i++) void ask(greedy.model, 0);
		void ask(one.model, 1);
		void ask(other.model, 2);
		for (let i = 0; i < 6; i++) await step();
		// Two go ahead at once: the one that runs, and the one behind it.
		assert.deepEqual(order, [0, 0, 1, 2, 0, 0]);
	});

	it("are given to predictions before learning, but each camera goes before a pass only once", async () => {
		const { model, order, step } = stepped();
		const seat = openTurns(model);
		const [learner, one, other] = [seat(), seat(), seat()];
		void ask(one.model, 1);
		void ask(other.model, 2);
		void ask(learner.learner, 9);
		for (let i = 0; i < 3; i++) {
			void ask(one.model, 1);
			void ask(other.model, 2);
		}
		for (let i = 0; i < 9; i++) await step();
		assert.deepEqual(order, [1, 2, 1, 2, 9, 1, 2, 1, 2]);
	});

	it("go on after one that failed, which only its camera is told", async () => {
		let calls = 0;
		const failing = {
			forward: async () => {
				if (calls++ === 0) throw new Error("no");
				return {} as Activations;
			},
		} as unknown as Model;
		const seat = openTurns(failing);
		await assert.rejects(ask(seat().model, 0), /no/);
		await Promise.all([0, 1, 2, 3].map((name) => ask(seat().model, name)));
	});

	it("make cameras of unlike appetite equals, with a real model", async () => {
		const bundle = await openBundle(bundled.model);
		const model = await openModel(bundle, { threads: 1 });
		const { width, height } = bundle.manifest.input;
		const seat = openTurns(model);
		const end = performance.now() + 3_000;
		/** Batches of 4 frames that a camera gets through, with so many requests open at once. */
		const appetite = async ({ model }: Seat, open: number): Promise<number> => {
			let batches = 0;
			const one = async () => {
				while (performance.now() < end) {
					await model.forward(new Uint8Array(4 * 3 * width * height), bundle.source.affine);
					batches++;
				}
			};
			await Promise.all(Array.from({ length: open }, one));
			return batches;
		};
		const equals = await Promise.all([1, 1, 4, 8].map((open) => appetite(seat(), open)));
		const mean = equals.reduce((sum, count) => sum + count, 0) / equals.length;
		assert.ok(mean > 5, `${equals}`);
		// One is in the middle of a round when time is up: of few batches that is more than 15 in 100.
		for (const count of equals) assert.ok(Math.abs(count - mean) <= Math.max(2, 0.15 * mean), `${equals}`);
		await model.close();
	});
});
