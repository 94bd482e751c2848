import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { selection } from "./selection.js";

const prediction = (frame: number, label = "car", domain = "d1", region?: string) => ({
	frame,
	...(region && { region }),
	capturedAt: "2026-11-26T21:40:06.000Z",
	label,
	score: 0.9,
	top: [{ label, score: 0.9 }],
	domain,
});
const choices = { form: "full", every: 1, on: "frame" } as const;
const framesOf = (told: readonly (object | undefined)[]) =>
	told.flatMap((payload) => (payload ? [(payload as { frame: number }).frame] : []));

describe("predictions", () => {
	it("are all told as they are where nothing else is said", () => {
		const choose = selection(choices);
		const one = prediction(1);
		assert.equal(choose(one), one);
		assert.equal(choose(one), one);
	});

	it("are shorter in the compact form, and hold no top and no domain", () => {
		const choose = selection({ ...choices, form: "compact" });
		assert.deepEqual(choose(prediction(4, "car", "d1", "left")), {
			frame: 4,
			region: "left",
			label: "car",
			capturedAt: "2026-11-26T21:40:06.000Z",
			score: 0.9,
		});
	});

	it("are told of every third frame, also where frames were dropped", () => {
		const choose = selection({ ...choices, every: 3 });
		assert.deepEqual(framesOf([0, 1, 2, 7, 8, 9, 10].map((frame) => choose(prediction(frame)))), [0, 7, 10]);
	});

	it("are told of all regions of a frame, or of none", () => {
		const choose = selection({ ...choices, every: 2 });
		const frames = [0, 0, 1, 1, 2, 2].map((frame, i) =>
			choose(prediction(frame, "car", "d1", i % 2 ? "right" : "left")),
		);
		assert.deepEqual(framesOf(frames), [0, 0, 2, 2]);
	});

	it("are told when the label or the domain has changed, in each region by itself", () => {
		const choose = selection({ ...choices, on: "change" });
		const labels = ["car", "car", "bus", "bus", "car"];
		assert.deepEqual(framesOf(labels.map((label, frame) => choose(prediction(frame, label)))), [0, 2, 4]);
		assert.ok(choose(prediction(5, "car", "d2")));
		assert.ok(choose(prediction(6, "car", "d2", "left")));
		assert.equal(choose(prediction(7, "car", "d2", "left")), undefined);
	});
});
