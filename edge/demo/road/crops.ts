import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCanvas, ImageData } from "@napi-rs/canvas";
import { painter } from "./frame.js";
import { between, seeded } from "./random.js";
import { road } from "./scene.js";
import { convoy, dominant, present } from "./traffic.js";
import { KINDS } from "./vehicles/index.js";
import { daylight, HEIGHT, REGION, ROAD_SEED, WIDTH } from "./view.js";
import { lens } from "./weather.js";

/** Writes clear-weather training crops: what the region shows of each vehicle in one random frame of its pass. */
const main = async (): Promise<void> => {
	const { values } = parseArgs({
		options: {
			out: { type: "string" },
			seed: { type: "string", default: "1000" },
			"per-class": { type: "string", default: "500" },
		},
	});
	if (values.out === undefined) throw new Error("--out FOLDER is missing");
	const random = seeded(Number(values.seed));
	const paintFrame = painter(road(seeded(ROAD_SEED)));
	const look = lens(random);
	const { passes } = convoy(random, Number(values["per-class"]), 0);
	const canvas = createCanvas(REGION[2], REGION[3]);
	for (const kind of KINDS) await mkdir(join(values.out, kind), { recursive: true });
	for (const [i, pass] of passes.entries()) {
		const near = passes.slice(Math.max(0, i - 1), i + 3);
		const frame = Math.round(pass.middle + between(random, -0.52, 0.52) * pass.frames);
		const vehicles = present(near, frame);
		const label = dominant(vehicles);
		if (label === null) continue;
		const rgb = look(paintFrame(vehicles, daylight(random)), "clear", 1);
		const full = new ImageData(WIDTH, HEIGHT);
		for (let p = 0; p < WIDTH * HEIGHT; p++) full.data.set([...rgb.subarray(3 * p, 3 * p + 3), 255], 4 * p);
		canvas.getContext("2d").putImageData(full, -REGION[0], -REGION[1]);
		await writeFile(
			join(values.out, label, `${values.seed}-${i}.jpg`),
			await canvas.encode("jpeg", between(random, 60, 92)),
		);
	}
};

await main();
