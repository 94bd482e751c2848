import {
	type Activations,
	type Bundle,
	EdgeError,
	type Manifest,
	type Model,
	type Source,
} from "../operators/types.js";
import { checkAffine, checkBatch } from "./model.js";

const SIDE = 8;
const POSITIONS = SIDE * SIDE;
const CHANNELS = 4;
const LABELS = ["dark", "green", "red"] as const;

/** Pseudo-random numbers in [−1, 1), the same every time. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 31 - 1;
	};
}

const random = seeded(7);
/** Mixes planes G, B, R into channels. */
const MIX = Float64Array.from({ length: CHANNELS * 3 }, random);
/** Added to the stem's output at every position, as a position embedding is. */
const EMBEDDING = Float64Array.from({ length: POSITIONS * CHANNELS }, () => random() / 4);
const HEAD = Float32Array.from({ length: LABELS.length * CHANNELS }, () => 2 * random());

const SITES: Manifest["sites"] = [
	{ name: "stem", kind: "stem", channels: CHANNELS, positions: POSITIONS, offset: 0, perturbed: false },
	{
		name: "blocks.0.norm1",
		kind: "norm",
		channels: CHANNELS,
		positions: POSITIONS,
		offset: 2 * CHANNELS,
		perturbed: true,
	},
	{ name: "norm", kind: "norm", channels: CHANNELS, positions: POSITIONS, offset: 4 * CHANNELS, perturbed: false },
];
const WIDTH = SITES.length * CHANNELS;

/**
 * A model small enough to be computed in plain TypeScript, with everything that a prepared transformer has: a stem with
 * an affine, two norms over channels with theirs, taps, moments, a linear head. 8 × 8 pixels, 3 labels, P = 25. For tests.
 */
export function memoryModel(): Model {
	let closed = false;
	const bundle = memoryBundle();
	return {
		bundle,
		forward: async (pixels, affine) => {
			if (closed) throw new EdgeError("model", "the model is closed");
			checkBatch(bundle.manifest, pixels);
			checkAffine(bundle.manifest, affine);
			return compute(structuredClone(pixels, { transfer: [pixels.buffer] }), affine.slice());
		},
		look: async (pixels) => {
			if (closed) throw new EdgeError("model", "the model is closed");
			checkBatch(bundle.manifest, pixels);
			const { sites } = compute(structuredClone(pixels, { transfer: [pixels.buffer] }), bundle.source.affine);
			return sites.filter((_, i) => i % WIDTH < CHANNELS);
		},
		close: async () => {
			closed = true;
		},
	};
}

/** The bundle of `memoryModel`; its source statistics are those of seeded frames, one kind for each label. */
export function memoryBundle(): Bundle {
	const affine = new Float32Array(2 * WIDTH);
	for (const { offset, channels } of SITES) affine.fill(1, offset, offset + channels);
	const frames = memoryFrames(48);
	const found = compute(frames, affine);
	const label = (frame: number) => frame % LABELS.length;
	const mean = (values: Float32Array, width: number, kept: (frame: number) => boolean) => {
		const chosen = Array.from({ length: found.frames }, (_, i) => i).filter(kept);
		return Float32Array.from({ length: width }, (_, k) => {
			return chosen.reduce((sum, i) => sum + values[i * width + k], 0) / chosen.length;
		});
	};
	const byClass = (values: Float32Array, width: number) =>
		Float32Array.from(LABELS.flatMap((_, c) => [...mean(values, width, (frame) => label(frame) === c)]));
	const all = () => true;
	const taps = 2 * CHANNELS;
	const tapMean = mean(found.taps, taps, all);
	const squares = mean(
		found.taps.map((v, i) => (v - tapMean[i % taps]) ** 2),
		taps,
		all,
	);
	const source: Source = {
		affine,
		tapMean,
		tapDeviation: squares.map((v) => Math.sqrt((v * found.frames) / (found.frames - 1))),
		stem: mean(found.stem, 2 * CHANNELS, all),
		sites: mean(found.sites, 2 * WIDTH, all),
		stemByClass: byClass(found.stem, 2 * CHANNELS),
		sitesByClass: byClass(found.sites, 2 * WIDTH),
		features: mean(found.features, CHANNELS, all),
		head: HEAD,
	};
	const none = { offset: 0, shape: [] };
	const manifest: Manifest = {
		format: 2,
		name: "memory",
		model: { file: "model.onnx", sha256: "0".repeat(64) },
		look: { file: "look.onnx", sha256: "0".repeat(64) },
		source: {
			file: "source.bin",
			sha256: "0".repeat(64),
			arrays: {
				affine: none,
				tapMean: none,
				tapDeviation: none,
				stem: none,
				sites: none,
				stemByClass: none,
				sitesByClass: none,
				features: none,
				head: none,
			},
		},
		labels: LABELS,
		input: { width: SIDE, height: SIDE, order: "gbr", fit: "stretch" },
		affine: affine.length,
		sites: SITES,
		taps: { stages: [taps] },
		stem: { channels: CHANNELS, positions: POSITIONS },
		features: CHANNELS,
		bits: 32,
		statistics: "running",
		calibration: { frames: found.frames, labelled: true, classes: LABELS.length },
		report: { frames: 0, agreement: 1, maxLogitError: 0 },
	};
	return { directory: "memory", manifest, source };
}

/** Frames of the kind `memoryModel` was calibrated on, planes G, B, R; frame i shows label i mod 3. */
export function memoryFrames(count: number, seed = 1): Uint8Array<ArrayBuffer> {
	const noise = seeded(seed);
	const levels = [
		[40, 40, 40],
		[190, 90, 80],
		[70, 80, 200],
	];
	return Uint8Array.from({ length: count * 3 * POSITIONS }, (_, i) => {
		const frame = Math.floor(i / (3 * POSITIONS));
		const plane = Math.floor(i / POSITIONS) % 3;
		return levels[frame % LABELS.length][plane] + 40 * noise();
	});
}

function compute(pixels: Uint8Array, affine: Float32Array): Activations {
	const frames = pixels.length / (3 * POSITIONS);
	const result = {
		frames,
		logits: new Float32Array(frames * LABELS.length),
		features: new Float32Array(frames * CHANNELS),
		taps: new Float32Array(frames * 2 * CHANNELS),
		stem: new Float32Array(frames * 2 * CHANNELS),
		sites: new Float32Array(frames * 2 * WIDTH),
	};
	for (let frame = 0; frame < frames; frame++) {
		const planes = pixels.subarray(frame * 3 * POSITIONS, (frame + 1) * 3 * POSITIONS);
		const raw = Float64Array.from({ length: POSITIONS * CHANNELS }, (_, i) => {
			const [position, channel] = [Math.floor(i / CHANNELS), i % CHANNELS];
			return [0, 1, 2].reduce(
				(sum, p) => sum + MIX[channel * 3 + p] * (planes[p * POSITIONS + position] / 127.5 - 1),
				0,
			);
		});
		const tokens = adapt(raw, affine, 0).map((value, i) => value + EMBEDDING[i]);
		const first = normalize(tokens);
		const hidden = adapt(first, affine, 1).map((value, i) => tokens[i] + Math.tanh(value));
		const last = normalize(hidden);
		const output = adapt(last, affine, 2);
		const features = pool(output, (value) => value * Math.abs(value));
		result.features.set(features, frame * CHANNELS);
		result.taps.set([...pool(adapt(first, affine, 1)), ...features], frame * 2 * CHANNELS);
		result.stem.set([...pool(tokens), ...pool(tokens, square)], frame * 2 * CHANNELS);
		const measured = [raw, first, last];
		const moments = [...measured.flatMap((x) => [...pool(x)]), ...measured.flatMap((x) => [...pool(x, square)])];
		result.sites.set(moments, frame * 2 * WIDTH);
		for (let c = 0; c < LABELS.length; c++) {
			result.logits[frame * LABELS.length + c] = features.reduce((sum, f, k) => sum + f * HEAD[c * CHANNELS + k], 0);
		}
	}
	return result;
}

/** Applies the scale and bias of a site to [positions,channels]. */
const adapt = (values: Float64Array, affine: Float32Array, site: number) => {
	const { offset } = SITES[site];
	return values.map((v, i) => v * affine[offset + (i % CHANNELS)] + affine[offset + CHANNELS + (i % CHANNELS)]);
};

/** Mean 0 and variance 1 over the channels of each position. */
function normalize(values: Float64Array): Float64Array {
	const result = new Float64Array(values.length);
	for (let at = 0; at < values.length; at += CHANNELS) {
		const row = values.subarray(at, at + CHANNELS);
		const mean = row.reduce((a, b) => a + b) / CHANNELS;
		const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / CHANNELS;
		for (let c = 0; c < CHANNELS; c++) result[at + c] = (row[c] - mean) / Math.sqrt(variance + 1e-6);
	}
	return result;
}

const square = (value: number) => value * value;

/** Mean over the positions of [positions,channels]. */
function pool(values: Float64Array, change: (value: number) => number = (value) => value): Float64Array {
	const result = new Float64Array(CHANNELS);
	for (const [i, value] of values.entries()) result[i % CHANNELS] += change(value) / POSITIONS;
	return result;
}
