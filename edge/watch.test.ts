import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { connectAsync } from "mqtt";
import { pino } from "pino";
import { openMemoryStore } from "../adapters/bank.memory.js";
import { openMemoryCamera } from "../adapters/camera.memory.js";
import { eventually, temporaryDirectory } from "../adapters/fixtures.js";
import { memoryModel } from "../adapters/model.memory.js";
import { schema } from "../config/schema.js";
import { LEARNING, pictures } from "../operators/fixtures.js";
import type { Model } from "../operators/types.js";
import { testBroker } from "./fixtures.js";
import { connect } from "./mqtt/connect.js";
import { openOutlet } from "./outlet.js";
import { openRestarts } from "./restarts.js";
import { openVitals } from "./telemetry/vitals.js";
import { emptyTally, watch } from "./watch.js";

const folder = temporaryDirectory();

test("frames for which the model gives no numbers are counted, told of in the log and dropped, and no payload is amiss", async () => {
	const { url } = await testBroker()();
	const consumer = await connectAsync(url);
	after(() => consumer.endAsync(true));
	const seen: { seq: number; frame: number; score: number }[] = [];
	consumer.on("message", (_topic, payload) => void seen.push(JSON.parse(String(payload))));
	await consumer.subscribeAsync("acclimate/road/predictions", { qos: 1 });

	const inner = memoryModel();
	// A black picture is one that this model cannot make anything of.
	const model: Model = {
		...inner,
		forward: async (pixels, affine) => {
			const size = 192;
			const black = Array.from({ length: pixels.length / size }, (_, i) =>
				pixels.subarray(i * size, (i + 1) * size).every((value) => value === 0),
			);
			const activations = await inner.forward(pixels, affine);
			const classes = activations.logits.length / black.length;
			for (const [i, is] of black.entries())
				if (is) activations.logits.fill(Number.NaN, i * classes, (i + 1) * classes);
			return activations;
		},
	};
	const scene = pictures(64, 100, 1).map((picture, i) => (i === 21 || i === 22 ? new Uint8Array(192) : picture));
	const lines: string[] = [];
	const log = pino({}, { write: (line: string) => void lines.push(line) });
	const { mqtt } = schema.parse({ mqtt: { url }, cameras: { road: { source: "test:" } } });
	assert.ok(mqtt);
	const broker = connect(mqtt, join(folder, "store"), openVitals(), log, () => {});
	const { signal } = new AbortController();
	const tally = emptyTally();
	await watch({
		open: async () => openMemoryCamera({ pictures: scene }),
		endless: false,
		model,
		learner: model,
		outlet: openOutlet(broker, "acclimate", "road", signal),
		bank: openMemoryStore().bank("bundle", "road"),
		control: { take: () => undefined },
		restart: openRestarts().of("road"),
		settings: { batch: { frames: 4, patience: 5 }, learning: LEARNING },
		log,
		signal,
		tally,
	});
	await eventually(() => seen.length === 62);
	await broker.close(2_000);
	const { frames, predictions, dropped, failed } = tally;
	assert.deepEqual({ frames, predictions, dropped, failed }, { frames: 64, predictions: 62, dropped: 2, failed: 2 });
	assert.deepEqual(
		seen.map(({ seq }) => seq),
		seen.map((_, i) => i),
	);
	assert.ok(!seen.some(({ frame }) => frame === 21 || frame === 22));
	assert.equal(lines.filter((line) => line.includes("gives no numbers")).length, 1);
});
