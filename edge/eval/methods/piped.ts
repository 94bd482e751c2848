import { openMemoryStore } from "../../../adapters/bank.memory.js";
import { parse } from "../../../config/load.js";
import { firstKnowledge } from "../../../operators/knowledge.js";
import type { Learning, Settings, SweepPart } from "../../../operators/settings.js";
import type { Camera, Frame, Inferred, Model, Outlet, Recalled } from "../../../operators/types.js";
import { pipeline } from "../../../pipeline/pipeline.js";
import { settingsOf } from "../../settings.js";
import type { Adapting, Answer, Method, Start } from "../method.js";

/** The daemon's own pipeline as a method: the same operators in the same order, with a camera that is fed by hand. */
const piped = (name: string, configured: string, change: (learning: Learning) => Learning = (own) => own): Method => {
	return {
		name,
		refuses: () => undefined,
		open: async (model, start) => openPipeline(model, settingsWith(configured, start, change)),
	};
};

const PARTS: readonly SweepPart[] = [
	"classes",
	"order",
	"balance",
	"kinds",
	"candidate",
	"guard",
	"drift",
	"smoothing",
];

/** What runs in the daemon, and its parts each alone. */
export const pipedMethods: readonly Method[] = [
	piped("none", "none"),
	piped("shift", "zoa", (learning) => ({ ...learning, align: false, refine: false })),
	piped("align", "zoa", (learning) => ({ ...learning, refine: false })),
	piped("zoa-reference", "zoa-reference"),
	piped("zoa", "zoa"),
	piped("zoa+", "zoa+"),
	...PARTS.map((part) => ({
		...piped(`zoa+ without ${part}`, "zoa+", (learning) => ({
			...learning,
			sweep: { cpu: 0.2, ...learning.sweep, without: part },
		})),
		ablates: "zoa+",
	})),
	{ ...piped("zoa+ with steps", "zoa+", (learning) => ({ ...learning, refine: true })), ablates: "zoa+" },
];

/** The daemon's settings where nothing is configured but the method. */
export function settingsWith(
	method: string,
	{ seed, window }: Start,
	change: (learning: Learning) => Learning = (own) => own,
): Settings {
	const text = `adapt: { method: ${method}, window: ${window}, seed: ${seed} }\ncameras: { eval: { source: clip.mp4 } }`;
	const parsed = parse(text, "eval.yaml", { env: {}, secretsDirectories: [] });
	if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
	const { learning, batch } = settingsOf(parsed.config);
	return { batch, learning: learning && change({ ...learning, checkpoint: Number.POSITIVE_INFINITY }) };
}

const silent: Outlet = { publish: async () => {} };

function openPipeline(model: Model, settings: Settings): Adapting {
	const { bundle } = model;
	const { learning } = settings;
	const counted = counting(model);
	const camera = openFedCamera();
	const bank = openMemoryStore().bank(bundle.manifest.model.sha256, "eval");
	let settle: { resolve(round: Inferred): void; reject(error: Error): void } | undefined;
	let failure: Error | undefined;
	const start = firstKnowledge(bundle, [], {
		seed: learning?.seed ?? 0,
		bank: learning?.bank ?? 0,
		published: learning?.published ?? false,
		now: 0,
	});
	const subscription = pipeline({ camera, model: counted.model, outlet: silent, bank }, settings, start).subscribe({
		next: (round) => settle?.resolve(round),
		error: (error) => {
			failure = error;
			settle?.reject(error);
		},
	});
	return {
		batch: settings.batch.frames,
		step: async (frames) => {
			const before = counted.frames();
			if (failure) throw failure;
			const round = await new Promise<Inferred>((resolve, reject) => {
				settle = { resolve, reject };
				camera.feed(frames);
			});
			return answerOf(round, counted.frames() - before);
		},
		close: async () => {
			await camera.close();
			subscription.unsubscribe();
		},
	};
}

const answerOf = (round: Inferred, passes: number): Answer => {
	if (round.predictions.length < round.frames.length) throw new Error("what comes out of the model is no number");
	const { domain, domains } = round.knowledge;
	const event = "domainEvent" in round ? (round as Recalled).domainEvent : undefined;
	const stored = domains.reduce((sum, { vector, alignment }) => sum + vector.byteLength + alignment.byteLength, 0);
	return {
		probabilities: round.predictions.map(({ probabilities }) => probabilities as Float32Array),
		passes,
		domain: domain.name,
		changed: event === "changed",
		bankBytes: stored,
	};
};

/** A model that counts the frames that went through it. */
function counting(model: Model) {
	const { input } = model.bundle.manifest;
	let frames = 0;
	const forward: Model["forward"] = (pixels, affine) => {
		frames += pixels.length / (3 * input.width * input.height);
		return model.forward(pixels, affine);
	};
	return { model: { ...model, forward }, frames: () => frames };
}

/** A lossless camera that gives what it is fed, one batch a time. */
function openFedCamera(): Camera & { feed(frames: readonly Frame[]): void } {
	let waiting: ((frames: readonly Frame[]) => void) | undefined;
	let fed: readonly Frame[] | undefined;
	return {
		live: false,
		waiting: 0,
		dropped: 0,
		feed: (frames) => {
			if (!waiting) fed = frames;
			waiting?.(frames);
			waiting = undefined;
		},
		take: async () => {
			const frames = fed;
			fed = undefined;
			return frames ?? new Promise((resolve) => (waiting = resolve));
		},
		close: async () => waiting?.([]),
	};
}
