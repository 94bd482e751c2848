/**
 * The messages that travel through the pipeline and the ports through which it reaches the world.
 * Each operator adds a field to the message, so this file read from top to bottom is the data-flow diagram.
 */

import type { Checkpoint } from "./knowledge.js";
import type { Attempt } from "./zoa/attempt.js";
import type { Detector, Judgement } from "./zoa/detector.js";
import type { Memory, Remembered } from "./zoa/memory.js";
import type { Mix } from "./zoa/mix.js";
import type { Moments, RawMoments } from "./zoa/moments.js";
import type { RandomState } from "./zoa/random.js";
import type { Draws } from "./zoa/spsa.js";
import type { Sweep } from "./zoa/sweep.js";
import type { Vector } from "./zoa/vector.js";

// ---------------------------------------------------------------- messages

/** A round begins with what is known; a batch is asked for only now, since RxJS does not push back. */
export interface Round {
	readonly knowledge: Knowledge;
}

/** decode: the frames of this round, at least one. */
export interface Decoded extends Round {
	readonly frames: readonly Frame[];
}

/** batch: their pixels in one buffer [n,3,H,W]. */
export interface Batched extends Decoded {
	readonly pixels: Uint8Array<ArrayBuffer>;
}

/** infer: one forward pass with the θ that the knowledge amounts to, and the classes it predicts. */
export interface Inferred extends Decoded {
	readonly activations: Activations;
	/** Of each frame for which what came out of the model is numbers. */
	readonly predictions: readonly Prediction[];
	/** `zoa+`: what each frame shows, see `thumbnail`; none for the other methods. */
	readonly thumbnails: readonly Vector[];
	/** θ [P] that each frame was predicted with. */
	readonly affines: readonly Vector[];
	/** Raw moments [2,E] of each frame's stem, of the picture as it is, before its affine; none while nothing is learned. */
	readonly stems: readonly RawMoments[];
	/** `zoa+`: frames that do not look like their domain, most first. */
	readonly strangers: readonly Strangers[];
	/** Frames for which what was learned gave no numbers, and which the model as it was prepared had to predict, if it could. */
	readonly failed: number;
}

/** detect: how far the batch's stem is from the domain so far. */
export interface Detected extends Inferred, Judgement {}

/** recall: the knowledge with the old domain stored and the new one, once it was seen long enough, taken up. */
export interface Recalled extends Detected {
	/** Set in the round in which another domain began or was recognized. */
	readonly domainEvent: "changed" | "matched" | "new" | undefined;
}

/** adapt: the knowledge for the next round. */
export interface Adapted extends Recalled {
	/** L0 of the step that was taken in this round, if one was. */
	readonly loss: number | undefined;
}

/** What the model says about one frame. */
export interface Prediction {
	readonly frame: Frame;
	/** Index into the bundle's labels. */
	readonly label: number;
	/** Probabilities [C] */
	readonly probabilities: Vector;
}

// ---------------------------------------------------------------- knowledge

/** What is learned of one domain while it lasts. */
export interface Study {
	/** a [P]: the closed-form alignment, and how often pictures are smoothed. */
	readonly alignment: Vector;
	/** `zoa+`: frames of the domain that sweeps pass through the model again. */
	readonly pictures: Memory<Pictured>;
	/** `zoa+`: mean raw moments [2,E] of the stems of all frames, kept or not; undefined: there was none. */
	readonly look: RawMoments | undefined;
	/**
	 * `zoa+`: frames of the domain, sweeps over those that are kept that had an outcome, up to which frame what is kept is old,
	 * and how many kept ones the next sweep takes.
	 */
	readonly tuned: {
		readonly frames: number;
		readonly sweeps: number;
		readonly until: number;
		readonly enough: number;
	};
	/** `zoa+`: the latest frames, none of which shows the same as another, since it was last looked whether they are in line. */
	readonly latest: readonly Observed[];
	/** `zoa+`: how far out of line the last sweep left its frames, see `astrayOf`; 0: nothing is known of it. */
	readonly astray: number;
	/** `zoa+`: the sweep under way. */
	readonly tuning: Tuning | undefined;
	/** `zoa+`: doubt that the model as it was prepared had of the frames of the last sweep of all sites. */
	readonly doubt: number | undefined;
	/** `zoa+`: whether these look like the source's kind of picture. */
	readonly isPlain: boolean;
	/** `zoa+`: what the last sweep has gained, see `gainOf`; undefined: there has been none. */
	readonly gain: number | undefined;
}

/** What is known of one kind of picture. */
export interface Kind {
	readonly stem: Moments;
	/** a [P] that such pictures are predicted with. */
	readonly alignment: Vector;
	/** Whether it is that of the present domain. */
	readonly isPresent?: boolean;
	/** Whose it is, where it is a candidate's. */
	readonly candidate?: Study;
}

/** Frames of a batch, by their places, that do not look like their domain. */
export interface Strangers {
	readonly places: readonly number[];
	/** What they look like instead; undefined: like nothing that is known. */
	readonly kind: Kind | undefined;
}

/** Everything a camera's model has learned, of the present domain first. It goes in with the batch and comes out with the step. */
export interface Knowledge extends Study {
	readonly domain: CurrentDomain;
	/** The bank in memory, in the order of the mix: `domains[i].vector` is `mix.vectors[i + 1]`. */
	readonly domains: readonly DomainRecord[];
	readonly mix: Mix;
	/** The published bank's similarity matrix; empty unless `method: zoa-reference`. */
	readonly similarities: Vector;
	/** `zoa+`: kinds of frames that looked unlike the present domain, each of which may be the next one; the latest first. */
	readonly candidates: readonly Study[];
	/** Which stage alignment is in: the stem from a domain's first frames on, then all sites from a memory of its own. */
	readonly aligning: "stem" | "norms";
	readonly memory: Memory<Measured>;
	readonly detector: Detector;
	/** Running mean of the classifier's input, for the activation shift. */
	readonly shift: Vector | undefined;
	/** Batches since θ last moved, all predicted with one θ. */
	readonly window: readonly Seen[];
	/** The second, perturbed pass over the window before, while it runs. */
	readonly pass: Pass | undefined;
	readonly random: RandomState;
	/** `zoa+`: least doubt that the model had of pictures of the source's kind; undefined: the camera has shown none yet. */
	readonly usualDoubt: number | undefined;
	/** `zoa+`: the alignment was taken up from the bank, and was not tried yet on frames of this visit. */
	readonly isUnproven?: boolean;
	/** `zoa+`: frames that learning may pass through the model now, before it has to wait for its share. */
	readonly credit: number;
	/** Frames since the last checkpoint. */
	readonly unstored: number;
	readonly counts: Counts;
	/** Somebody has said that nothing is to be learned. */
	readonly frozen?: boolean;
	/** What learning had stored last when somebody gave a command; undefined once learning has stored anew. */
	readonly before?: Checkpoint | undefined;
}

export interface CurrentDomain {
	readonly id: string;
	readonly name: string;
	/** Milliseconds since the epoch. */
	readonly since: number;
	/** 1 on the first visit. */
	readonly visits: number;
	/** Steps of learning taken in this domain, over all visits: zeroth-order ones, or sweeps. */
	readonly steps: number;
	/** `looking` until enough was seen of it, then found in the bank or not. */
	readonly status: "looking" | "matched" | "new";
	/** Shift score to the nearest bank entry that it may be, once looked up. */
	readonly distance: number | undefined;
	/** `zoa+`: domains in the bank that it looks like, and whose alignment does not fit it. */
	readonly isNot?: readonly string[];
}

export interface Counts {
	/** Windows that were filled for zeroth-order steps: frames in a row that one θ predicted. */
	readonly windows: number;
	/** Zeroth-order steps or sweeps taken, and steps dropped because a loss was not finite. */
	readonly steps: number;
	readonly droppedSteps: number;
	readonly domainChanges: number;
	/** Domains named so far; the next one's number is one more. */
	readonly domainsNamed: number;
}

/** What alignment keeps of a frame: no pixels, only what the pass had computed anyway. */
export interface Measured extends Remembered {
	/** Raw moments of all sites [2,S]. */
	readonly sites: RawMoments;
}

/** What a sweep keeps of a frame: the picture, since it passes it through the model again. */
export interface Pictured extends Remembered {
	readonly frame: Frame;
	/** How many frames of its domain there were with it. */
	readonly at: number;
	/** What it shows, see `thumbnail`. */
	readonly thumbnail: Vector;
	/** Raw moments [2,E] of its stem. */
	readonly stem: RawMoments;
	/** Raw moments [2,S] of all sites, where it was predicted with the source's own parameters. */
	readonly atSource: RawMoments | undefined;
}

/** A frame of a domain with raw moments [2,S] of all sites as it was predicted. */
export interface Observed {
	readonly picture: Pictured;
	readonly sites: RawMoments;
}

/** A sweep over some frames, one small batch of them after the other. */
export interface Tuning {
	readonly frames: readonly Frame[];
	/** Raw moments [2,E] of their stems. */
	readonly stems: readonly RawMoments[];
	readonly sweep: Sweep;
	/** The alignment that there is, until it was tried, and what became of it then. */
	readonly present: Vector | undefined;
	readonly tried: Attempt | undefined;
	/** Whether it is only to be looked whether that is still better than none. */
	readonly isCheck: boolean;
	/** Whether the alignment was taken up and not tried yet. */
	readonly isTrial: boolean;
	/** What the pass under way has given so far. */
	readonly done: readonly Activations[];
}

/** A batch kept for learning. */
export interface Seen {
	readonly frames: readonly Frame[];
	readonly activations: Activations;
}

/** A perturbed pass over a window's frames, one batch after the other. */
export interface Pass {
	/** The mix that the window was predicted with. */
	readonly mix: Mix;
	readonly draws: Draws;
	/** L0 of the window. */
	readonly loss: number;
	readonly todo: readonly (readonly Frame[])[];
	readonly done: readonly Activations[];
}

// ---------------------------------------------------------------- bundle

/** A place in the model where a per-channel scale and bias are an input (zoa.md: "site"). */
export interface Site {
	readonly name: string;
	/**
	 * `stem`: the first convolution's output; `norm`: a LayerNorm's affine; `batchnorm`: a BatchNorm's; `conv`: the output
	 * of a convolution that a norm was folded into.
	 */
	readonly kind: "stem" | "norm" | "batchnorm" | "conv";
	readonly channels: number;
	/** Positions (tokens, pixels), of all or of a regular choice, a frame's moments are taken over; the unbiased variance needs the count. */
	readonly positions: number;
	/** Where in `affine` this site's scale starts; its bias follows `channels` floats later. */
	readonly offset: number;
	/** Whether the zeroth-order step perturbs it; alignment acts on every site. */
	readonly perturbed: boolean;
}

/** How a frame of any shape becomes the model's square: distorted, cut in the middle, or with black bars. */
export type Fit = "stretch" | "crop" | "pad";

/** `manifest.json` of a bundle, format 2: everything about a prepared model but its numbers. */
export interface Manifest {
	readonly format: 2;
	readonly name: string;
	readonly model: { readonly file: string; readonly sha256: string };
	/** The graph up to the stem, whose moments alone it returns. */
	readonly look: { readonly file: string; readonly sha256: string };
	readonly source: {
		readonly file: string;
		readonly sha256: string;
		/** Float32 arrays of `source.bin`, little-endian: where each starts (in floats) and its shape. */
		readonly arrays: Readonly<Record<keyof Source, { readonly offset: number; readonly shape: readonly number[] }>>;
	};
	readonly labels: readonly string[];
	readonly input: { readonly width: number; readonly height: number; readonly order: "gbr"; readonly fit: Fit };
	/** Length of the graph's `affine` input, the scales and biases of all sites: P − 1, see zoa/smoothing.ts. */
	readonly affine: number;
	/** In the order of the `affine` input and of the columns of the `sites` output; the stem's own site is first. */
	readonly sites: readonly Site[];
	/** Features of a frame that the loss compares with the source's; `stages` lists their lengths, in order. */
	readonly taps: { readonly stages: readonly number[] };
	/** What the published detector looks at: patch tokens after position embedding, class token left out; a CNN's first convolution. */
	readonly stem: { readonly channels: number; readonly positions: number };
	/** Length d of the classifier's input. The head is linear: logits = W·features + b. */
	readonly features: number;
	/** Of the weights and activations of matrix products and convolutions, all on int8 kernels; 32: left in float. */
	readonly bits: 4 | 6 | 8 | 32;
	/** Where BatchNorm's moments come from: the training's running average, or the batch itself, as published. */
	readonly statistics: "running" | "batch";
	/** `classes`: for how many of them the source's moments are told apart, all or 1. */
	readonly calibration: { readonly frames: number; readonly labelled: boolean; readonly classes: number };
	/** How close the prepared model is to the one it was made from, on held-back calibration frames. */
	readonly report: { readonly frames: number; readonly agreement: number; readonly maxLogitError: number };
}

/** `source.bin`: what the model's world looked like where it was calibrated. C classes, E, S, F, d as in the manifest. */
export interface Source {
	/** The graph's `affine` input that reproduces the model as it was. */
	readonly affine: Float32Array;
	/** [F], mean over calibration frames. */
	readonly tapMean: Float32Array;
	/** [F], unbiased standard deviation over calibration frames. */
	readonly tapDeviation: Float32Array;
	/** [2,E]: per channel mean, then mean square, over frames and positions. */
	readonly stem: Float32Array;
	/** [2,S]: likewise for every site's channels. */
	readonly sites: Float32Array;
	/**
	 * [K,2,E]: `stem` for the frames of each class, K = C. A class without frames repeats the overall moments. K = 1 where
	 * there are too many classes for calibration to show enough of each: the overall moments.
	 */
	readonly stemByClass: Float32Array;
	/** [K,2,S]: `sites` likewise. */
	readonly sitesByClass: Float32Array;
	/** [d], mean of the classifier's input over calibration frames. */
	readonly features: Float32Array;
	/** [C,d]: weight W of the linear head. */
	readonly head: Float32Array;
}

/** A prepared model: its description and its source statistics. */
export interface Bundle {
	readonly directory: string;
	readonly manifest: Manifest;
	readonly source: Source;
}

// ---------------------------------------------------------------- ports

/** One picture, cut and scaled to the model's input: planes G, B, R of width × height bytes. */
export interface Frame {
	/** Counts the frames the camera delivered, from 0; gaps are dropped frames. */
	readonly index: number;
	/** Milliseconds since the epoch when the frame arrived. */
	readonly capturedAt: number;
	readonly pixels: Uint8Array;
	/** Name of the part of the picture that this is, where parts are named: each is a frame of its own, with one index. */
	readonly region?: string;
}

export interface Camera {
	/** A live source drops what is not taken in time; a lossless one waits. */
	readonly live: boolean;
	/** Frames that wait to be taken. */
	readonly waiting: number;
	/** Frames a live source threw away because nobody took them. */
	readonly dropped: number;
	/**
	 * Resolves to the next frames, oldest first: as many as `limit` or, from a live source, as came within
	 * `patience` milliseconds of the first. Fewer than `limit` from a lossless source: the last ones. None: it has ended.
	 * @throws {CameraError} when the source cannot be read
	 */
	take(limit: number, patience: number): Promise<readonly Frame[]>;
	/** Stops the source; a pending `take` resolves to what is there. Safe to call twice. */
	close(): Promise<void>;
}

/** What one forward pass of n frames returns; every array is row-major per frame. */
export interface Activations {
	readonly frames: number;
	/** [n,C] */
	readonly logits: Float32Array;
	/** [n,d] */
	readonly features: Float32Array;
	/** [n,F] */
	readonly taps: Float32Array;
	/** [n,2,E] */
	readonly stem: Float32Array;
	/** [n,2,S], measured before the affine is applied */
	readonly sites: Float32Array;
}

export interface Model {
	readonly bundle: Bundle;
	/**
	 * Runs the frozen graph. Takes ownership of `pixels` [n,3,H,W] (its buffer is detached); `affine` is copied.
	 * @throws {EdgeError} `model`
	 */
	forward(pixels: Uint8Array<ArrayBuffer>, affine: Float32Array): Promise<Activations>;
	/**
	 * Goes as far as the stem, which takes a few hundredths of a forward: resolves to its raw moments [n,2,E] before its affine,
	 * the stem's columns of `Activations.sites`. Takes ownership of `pixels` likewise.
	 * @throws {EdgeError} `model`
	 */
	look(pixels: Uint8Array<ArrayBuffer>): Promise<Float32Array>;
	close(): Promise<void>;
}

/** A message to a broker (or to whatever stands in for one). */
export interface Message {
	readonly topic: string;
	/** An object goes as JSON, a word (availability and status topics) as it is. */
	readonly payload: object | string;
	readonly retain: boolean;
	/**
	 * `every`: each one arrives, in order, after a restart if need be. `last`: at once, and only the topic's newest counts;
	 * while the broker is away it waits if it is to be retained, and is forgotten if not.
	 */
	readonly deliver: "every" | "last";
}

export interface Broker {
	/** Whether the connection stands now. */
	readonly connected: boolean;
	/** Messages that nobody got and nobody will get. */
	readonly dropped: number;
	/** Messages that are to arrive and are not acknowledged yet. */
	readonly waiting: number;
	/** How many messages that are delivered `every` the topic has had, over all runs: the next one's `seq`. */
	next(topic: string): number;
	/**
	 * Queues a message at QoS 1. Resolves when there is room for the next one: while the broker is there a fast source is
	 * slowed down to its pace; while it is away this resolves at once and the oldest message goes at the limit.
	 */
	send(message: Message): Promise<void>;
	/**
	 * Sends what is queued, publishes `stopped`, disconnects; within `deadline` milliseconds whatever the broker does. What
	 * could not be sent by then is kept for the next run.
	 */
	close(deadline: number): Promise<void>;
}

/** One camera's way out: where its payloads go, stamped with schema, sequence number, camera and time. */
export interface Outlet {
	/** Resolves when there is room for the next one, see `Broker.send`. */
	publish(channel: "predictions" | "domain" | "adaptation" | "state", payload: object): Promise<void>;
	publish(channel: "status", payload: "online" | "offline" | "disabled"): Promise<void>;
}

/** What somebody outside can ask of a camera's learning. */
export type Command =
	/**
	 * `on`: learn; `freeze`: keep θ as it is; `reset`: back to the source, what the bank holds is kept; `rollback`: back to
	 * what learning stored last of this domain or, where nothing was, of the camera; so it undoes a `reset`.
	 */
	| { readonly do: "on" | "freeze" | "reset" | "rollback" }
	| { readonly do: "rename"; readonly domain: string; readonly name: string }
	| { readonly do: "remove"; readonly domain: string };

/** Where a camera's pipeline asks, round by round, what it is to do. */
export interface Control {
	/** The oldest command that was not taken yet. `done` tells whoever gave it that it was done, or why it was not. */
	take(): { readonly command: Command; done(refusal?: string): void } | undefined;
}

/** What is remembered of a domain. */
export interface DomainRecord {
	readonly id: string;
	readonly name: string;
	/** V [P]: what the zeroth-order steps had added to the source's affine and the alignment. */
	readonly vector: Float32Array;
	/** a [P]: what the closed-form alignment had put there, and how often pictures were smoothed; an older one ends before that. */
	readonly alignment: Float32Array;
	/** Per-channel mean and variance of the stem, see `stemChannels`: the key by which the domain is found again. */
	readonly stemMean: Float32Array;
	readonly stemVariance: Float32Array;
	/** Running mean [d] of the classifier's input, the activation shift's statistic. Absent: none yet. */
	readonly shift?: Float32Array;
	/** `zoa+`: what the last sweep had gained, see `gainOf`. Absent: there was none, or the record is older than this. */
	readonly gain?: number;
	/** Milliseconds since the epoch. */
	readonly madeAt: number;
	readonly lastUsedAt: number;
	readonly visits: number;
	readonly steps: number;
}

/** Knowledge on disk, for one camera and one bundle: entries of another bundle are never seen. */
export interface Bank {
	/** All readable records, in the order they were made. */
	domains(): Promise<readonly DomainRecord[]>;
	/** Inserts or replaces by id. Durable when it resolves. */
	put(record: DomainRecord): Promise<void>;
	remove(id: string): Promise<void>;
	/** Stores the camera's current knowledge: any structured-clonable value, typed arrays and all. */
	checkpoint(state: unknown): Promise<void>;
	/** What `checkpoint` stored last, or undefined where there is none that can be read. */
	restore(): Promise<unknown>;
	close(): Promise<void>;
}

/** A fault of the world: camera gone, broker away, disk full. Retried in `edge/run.ts` only. */
export class EdgeError extends Error {
	override readonly name = "EdgeError";
	constructor(
		readonly code: "camera" | "model" | "bank" | "broker" | "bundle",
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
	}
}

/** Why a camera delivers nothing, in words that programs may rely on, and what each of them means. */
export const CAMERA_REASONS = {
	auth: "it wants a user and a password, or other ones",
	"not-found": "it is not there",
	refused: "nothing listens there",
	unreachable: "there is no such host, or no way to it",
	timeout: "no answer, or no frame, for too long",
	tls: "no encrypted connection, or a certificate that is not trusted",
	codec: "this ffmpeg cannot decode it",
	unreadable: "it is no video, or none that can be used",
	ended: "it has come to its end, though it was to go on",
	restart: "somebody asked for it to be opened anew",
} as const;

export type CameraReason = keyof typeof CAMERA_REASONS;

/** A camera that delivers nothing, and why. */
export class CameraError extends EdgeError {
	constructor(
		readonly reason: CameraReason,
		message: string,
		options?: ErrorOptions,
	) {
		super("camera", message, options);
	}
}
