import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { edit, float, int } from "../graph/graph.js";
import { ElementType, type Graph } from "../graph/onnx.js";
import { evaluate } from "../graph/session.js";
import {
	countOf,
	type Grating,
	gratingOfMap,
	gratingOfStem,
	gratingOfTap,
	gratingOfTokens,
	momentsOf,
	type Thinned,
} from "./moments.js";

const placesOf = ({ start, step }: Grating, length: number) =>
	Array.from({ length }, (_, i) => i).filter((i) => i >= start && (i - start) % step === 0);

describe("a grating", () => {
	it("counts the positions that it leaves", () => {
		for (const start of [0, 1, 2]) {
			for (const step of [1, 2, 3, 5]) {
				for (const length of [3, 4, 7, 16]) {
					assert.equal(countOf({ start, step }, length), placesOf({ start, step }, length).length);
				}
			}
		}
	});

	it("leaves at most three positions to the shorter side of a map, eight to the stem's, and starts at the edge", () => {
		for (let side = 1; side <= 64; side++) {
			const [map, stem] = [gratingOfMap(side, 2 * side), gratingOfStem(2 * side, side)];
			assert.deepEqual([map.start, stem.start], [0, 0]);
			assert.ok(countOf(map, side) <= 3 && countOf(map, side) >= Math.min(side, 2), `${side}`);
			assert.ok(countOf(stem, side) <= 8 && countOf(stem, side) >= Math.min(side, 5), `${side}`);
		}
	});

	it("leaves small maps whole for the taps", () => {
		assert.deepEqual([1, 7, 16].map(gratingOfTap), Array(3).fill({ start: 0, step: 1 }));
		assert.equal(countOf(gratingOfTap(56), 56), 8);
	});

	it("takes about eight tokens, from rows and columns of all kinds", () => {
		for (const side of [2, 3, 4, 7, 8, 12, 14, 16, 24]) {
			for (const before of [0, 1]) {
				const count = side * side + before;
				const grating = gratingOfTokens(count);
				const places = placesOf(grating, count);
				assert.ok(places.length <= 8 && places.length >= Math.min(4, count - 1), `${places.length} of ${count}`);
				// Without a divisor in common, as many columns are seen as there can be.
				const columns = new Set(places.map((place) => place % side));
				assert.equal(columns.size, Math.min(places.length, side), `${count} tokens`);
			}
		}
	});

	it("takes some token however few there are", () => {
		for (let count = 1; count <= 300; count++) assert.ok(countOf(gratingOfTokens(count), count) >= 1, `${count}`);
	});
});

describe("moments of several tensors", () => {
	const FRAMES = 2;
	/** Values of a tensor, told apart by frame and by where they are. */
	const valueAt = (tensor: number, i: number) => Math.sin(1 + tensor + 1.7 * i);
	const norm = [int("axis", -1), float("epsilon", 1e-6)];
	const shapes: readonly Omit<Thinned, "tensor">[] = [
		{ shape: [1, 3, 2, 2], axis: 1 },
		{ shape: [1, 5, 4], axis: 2, normalize: norm },
		{ shape: [1, 2, 3, 3], axis: 1 },
		{ shape: [1, 4, 2, 2], axis: 1 },
		{ shape: [1, 5, 4], axis: 2, normalize: norm },
		{ shape: [1, 6, 3], axis: 2 },
		{ shape: [1, 2, 2, 3], axis: 3, normalize: norm },
		{ shape: [1, 1, 3, 3], axis: 1 },
	];

	for (const opset of [17, 18]) {
		it(`stand in the order of the tensors, whatever they are put together with (opset ${opset})`, async () => {
			const empty: Graph = {
				irVersion: 8,
				opsets: [{ domain: "", version: opset }],
				nodes: [],
				constants: new Map(),
				inputs: shapes.map(({ shape }, i) => ({
					name: `t${i}`,
					type: ElementType.float32,
					dims: ["N", ...shape.slice(1)],
				})),
				outputs: [],
			};
			let gathered: readonly (readonly string[])[] = [];
			const graph = edit(empty, (draft) => {
				const parts = shapes.map((one, i) => ({ ...one, tensor: `t${i}` }));
				const found = momentsOf(draft, parts);
				gathered = found.gathered.map(({ tensors }) => tensors);
				draft.outputs.push({ name: found.moments, type: 0, dims: [] });
			});
			// Maps of the same positions go together; those of other sizes do not, nor do tokens.
			assert.deepEqual(gathered, [
				["t0", "t3"],
				["t2", "t7"],
			]);
			const sizes = shapes.map(({ shape }) => shape.reduce((a, b) => a * b));
			const feeds = Object.fromEntries(
				shapes.map(({ shape }, t) => [
					`t${t}`,
					{
						data: Float32Array.from({ length: FRAMES * sizes[t] }, (_, i) => valueAt(t, i)),
						dims: [FRAMES, ...shape.slice(1)],
					},
				]),
			);
			const { data, dims } = (await evaluate(graph, feeds))[graph.outputs[0].name];
			const S = shapes.reduce((sum, { shape, axis }) => sum + shape[axis], 0);
			assert.deepEqual(dims, [FRAMES, 2, S]);
			const expected = [...Array(FRAMES).keys()].flatMap((frame) =>
				[1, 2].flatMap((power) => shapes.flatMap((shape, t) => momentsByHand(shape, t, frame, power))),
			);
			for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - Number(data[i])) < 1e-4, `${i}`);
		});
	}

	function momentsByHand({ shape, axis, normalize }: Omit<Thinned, "tensor">, t: number, frame: number, power: number) {
		const size = shape.reduce((a, b) => a * b);
		const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
		const channels = shape[axis];
		let values = Array.from({ length: size }, (_, i) => valueAt(t, frame * size + i));
		if (normalize) {
			values = values.map((value, i) => {
				const row = values.slice(i - (i % channels), i - (i % channels) + channels);
				const mean = row.reduce((sum, one) => sum + one, 0) / channels;
				const variance = row.reduce((sum, one) => sum + (one - mean) ** 2, 0) / channels;
				return (value - mean) / Math.sqrt(variance + 1e-6);
			});
		}
		return Array.from({ length: channels }, (_, c) => {
			const own = values.filter((_, i) => Math.floor(i / inner) % channels === c);
			return own.reduce((sum, value) => sum + value ** power, 0) / own.length;
		});
	}
});
