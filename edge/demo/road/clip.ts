import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { encode, encoderArguments } from "./encoder.js";
import { painter } from "./frame.js";
import { type Random, seeded } from "./random.js";
import { road } from "./scene.js";
import { convoy, dominant, type Pass, present } from "./traffic.js";
import { KINDS, type Kind } from "./vehicles/index.js";
import { daylight, FPS, HEIGHT, REGION, ROAD_SEED, WIDTH } from "./view.js";
import { lens, type Weather } from "./weather.js";

/** Weather comes, goes and comes back, so that there is something to take up again. */
const SCHEDULE: readonly Weather[] = ["clear", "fog", "clear", "night", "fog", "noise", "night", "clear"];

/** How often each kind passes in one stretch of weather. */
const ROUNDS = 3;

/** The share of bits that leaves noise visible and the file small. */
const NOISE_SHARE = 0.45;

/** One stretch of weather: frames `from` up to, and not including, `to`. */
interface Stretch {
	readonly weather: Weather;
	readonly from: number;
	readonly to: number;
}

/** Who drives when, and in which weather; every kind passes equally often in each stretch. */
const timetable = (random: Random): { passes: Pass[]; stretches: Stretch[] } => {
	const passes: Pass[] = [];
	const stretches: Stretch[] = [];
	for (const weather of SCHEDULE) {
		const from = stretches.at(-1)?.to ?? 0;
		const { passes: next, end } = convoy(random, ROUNDS, from);
		passes.push(...next);
		stretches.push({ weather, from, to: end });
	}
	return { passes, stretches };
};

/** Draws the demo's clip and writes its labels beside it. */
const main = async (): Promise<void> => {
	const { values } = parseArgs({
		options: {
			out: { type: "string" },
			seed: { type: "string", default: "1" },
			quality: { type: "string", default: "28" },
		},
	});
	if (values.out === undefined) throw new Error("--out FILE.mp4 is missing");
	const random = seeded(Number(values.seed));
	const { passes, stretches } = timetable(random);
	const labels: (Kind | null)[] = [];
	const light = daylight(random);
	const look = lens(random);
	const paintFrame = painter(road(seeded(ROAD_SEED)));
	function* frames(): Generator<Uint8Array> {
		for (const { weather, from, to } of stretches) {
			for (let frame = from; frame < to; frame++) {
				const vehicles = present(passes, frame);
				labels.push(dominant(vehicles));
				yield look(paintFrame(vehicles, light), weather, 1);
			}
		}
	}
	const zones = stretches.filter(({ weather }) => weather === "noise").map((zone) => ({ ...zone, share: NOISE_SHARE }));
	await encode(frames(), encoderArguments(values.out, Number(values.quality), zones));
	const truth = { fps: FPS, width: WIDTH, height: HEIGHT, region: REGION, labels: KINDS, stretches, frames: labels };
	writeFileSync(values.out.replace(/\.\w+$/, ".labels.json"), `${JSON.stringify(truth)}\n`);
};

await main();
