import { isIP } from "node:net";
import { z } from "zod";
import { camera } from "./camera.js";
import { mqtt } from "./mqtt.js";
import { duration, number, path, positive, share, text, whole } from "./values.js";

/*
 * The one description of the configuration: types, defaults, bounds, sentences for mistakes and the editor's schema.
 * An `error` says what was expected; what was found instead is added where the mistake is located (mistakes.ts).
 * Defaults are not repeated in the descriptions: editorSchema() adds them.
 */

const CAMERAS = "one camera at least, such as road: { source: clip.mp4 }";

const cameras = z
	.record(
		z.string().regex(/^(?!(bridge|available)$)[A-Za-z0-9_-]{1,64}$/, {
			error: "a camera's name is 1 to 64 letters, digits, _ or -, and neither bridge nor available",
		}),
		camera,
		{ error: `expected ${CAMERAS}` },
	)
	.refine((given) => Object.keys(given).length > 0, { error: `give ${CAMERAS}` })
	.describe("The cameras by name; the name is part of their topics.")
	.meta({ minProperties: 1 });

const batch = z.strictObject({
	frames: whole(1, 256).default(8).describe("Most frames in one pass of the model."),
	patience: duration("1m")
		.prefault("100ms")
		.describe(
			"How long a live source's batch waits to be full, counted from its first frame; with a unit: ms, s, m, h.",
		),
});

const adapt = z.strictObject({
	method: z
		.enum(["zoa+", "zoa", "zoa-reference", "none"])
		.default("zoa+")
		.describe(
			"How the model learns: zoa+ (alignment in sweeps), zoa (alignment, then zeroth-order steps), zoa-reference (the published procedure to the letter, oddities too) or none.",
		),
	cpu: share("90%")
		.prefault("20%")
		.describe(
			"Most of the frames that go through the model that may be learning's, in percent, with zoa+; what is not used is saved, up to 2,048 frames.",
		),
	align: z
		.boolean()
		.default(true)
		.describe(
			"Whether the model's statistics are aligned in closed form: all that zoa+ learns, and what zoa does before its steps; zoa-reference never does.",
		),
	window: whole(2, 1024)
		.default(64)
		.describe(
			"Frames that a zeroth-order step looks at, and after which zoa looks a new domain up: a multiple of batch.frames.",
		),
	falseAlarms: positive(1000)
		.default(1)
		.describe("Changes of domain an hour that may be seen where there are none: fewer take longer to see a real one."),
	threshold: positive(1000)
		.default(0.1)
		.describe("For zoa-reference: shift score of a window above which the domain counts as changed."),
	nearness: number(0, 1000)
		.default(0.08)
		.describe("Shift score under which a stored domain counts as the one at hand."),
	gate: number(0, 1000)
		.default(0.15)
		.describe("Shift score above which alignment acts; with zoa+ on strange batches alone."),
	bank: whole(1, 256).default(32).describe("Most domains that are remembered; then similar ones make room."),
	lambda: number(0, 10_000).default(30).describe("Weight of the statistics against the entropy in the loss."),
	rate: positive(1).default(5e-4).describe("Learning rate of the residual ε."),
	perturbation: positive(1).default(0.02).describe("Size c of the random perturbation of the residual ε."),
	seed: whole(0, 4_294_967_295)
		.default(1)
		.describe("Seed of all randomness: the same seed and frames give the same run."),
	checkpoint: whole(1, 100_000).default(10).describe("Windows between two checkpoints of a camera's knowledge."),
});

const ADDRESS = "expected an address of this machine and a port, such as 127.0.0.1:9180 or [::1]:9180";

const http = z.strictObject({
	listen: text(ADDRESS)
		.transform((value) => {
			const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? [];
			return { host: six ?? four ?? "", port: Number(port), literal: six === undefined ? 4 : 6 };
		})
		.refine(({ host, port, literal }) => isIP(host) === literal && port > 0 && port < 65_536, { error: ADDRESS })
		.transform(({ host, port }) => ({ host, port }))
		.prefault("127.0.0.1:9180")
		.describe("Address and port to answer on; 127.0.0.1 is for this machine alone, 0.0.0.0 for everyone."),
});

const level = z.enum(["trace", "debug", "info", "warn", "error", "silent"]);

/** The level of one module, where it is not that of all. */
function levelOf(what: string) {
	return level.exactOptional().describe(`The level for ${what}; log.level where absent.`);
}

const log = z.strictObject({
	level: level.default("info").describe("The least weight a line must have to be logged."),
	format: z
		.enum(["json", "pretty"])
		.default("json")
		.describe("How a line looks: json for programs, or pretty for people."),
	modules: z
		.strictObject({
			broker: levelOf("the connection to the broker"),
			camera: levelOf("cameras and their sources"),
			knowledge: levelOf("what is learnt and stored"),
			service: levelOf("health, metrics and the service manager"),
		})
		.prefault({})
		.describe("Levels of single parts of the program."),
});

/** The configuration file. */
export const schema = z
	.strictObject({
		mqtt: mqtt.exactOptional().describe("The MQTT broker; where absent, predictions go to stdout as lines of JSON."),
		model: path("expected the path of a bundle's folder")
			.exactOptional()
			.describe(
				"Folder of a model made by `acclimate prepare`, relative to this YAML file; the bundled model where absent.",
			),
		store: path("expected the path of a folder")
			.default("./acclimate-data")
			.describe("Folder of the LMDB database with what was learnt, relative to the folder of this YAML file."),
		threads: whole(1, 64)
			.exactOptional()
			.describe(
				"Threads that ONNX Runtime computes with; one a core but one where absent, which is left to ffmpeg and the rest.",
			),
		cameras,
		batch: batch.prefault({}).describe("How frames are put together for one pass of the model."),
		adapt: adapt.prefault({}).describe("How the model is adapted and what it remembers."),
		http: http
			.exactOptional()
			.describe("Health and metrics over HTTP: /healthz, /readyz and /metrics; where absent, none."),
		log: log.prefault({}).describe("What is logged, on stderr."),
	})
	.refine(({ adapt, batch }) => adapt.window % batch.frames === 0, {
		// Said together with all other mistakes, as long as the two numbers can be compared.
		when: ({ value }) => comparable(value),
		path: ["adapt", "window"],
		params: { orAt: ["batch", "frames"] },
		error: ({ input }) => {
			const { adapt, batch } = input as Compared;
			return `must be a multiple of batch.frames (${batch.frames}), is ${adapt.window}`;
		},
	})
	.refine(({ adapt }) => adapt.align || adapt.method !== "zoa+", {
		when: ({ value }) => (value as { adapt?: { align?: unknown } } | undefined)?.adapt?.align === false,
		path: ["adapt", "align"],
		error: "zoa+ learns nothing else: expected true, or another adapt.method, such as none or zoa",
	});

interface Compared {
	readonly adapt: { readonly window: number };
	readonly batch: { readonly frames: number };
}

function comparable(value: unknown): boolean {
	const { adapt, batch } = (value ?? {}) as Partial<Compared>;
	return Number.isInteger(adapt?.window) && Number.isInteger(batch?.frames) && Number(batch?.frames) > 0;
}

/** The configuration as the daemon uses it: defaults in place, paths absolute, durations in milliseconds. */
export type Config = z.output<typeof schema>;

/** One camera's settings. */
export type CameraConfig = Config["cameras"][string];
