import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Activations, type Bundle, EdgeError, type Manifest, type Model } from "../operators/types.js";

export interface ModelOptions {
	/** Threads ONNX Runtime computes with; without it one for each core. */
	readonly threads?: number;
}

/** What the worker is started with. */
export interface Start extends ModelOptions {
	readonly path: string;
}

/** What the worker is asked: a batch, or to end. */
export type Request =
	| {
			readonly id: number;
			readonly pixels: Uint8Array<ArrayBuffer>;
			readonly dims: readonly number[];
			readonly affine: Float32Array;
	  }
	| "close";

/** The arrays of `Activations`, by the names of the graph's outputs. */
export const OUTPUTS = ["logits", "features", "taps", "stem", "sites"] as const;

/** What the worker answers: that it is ready, one batch's activations, or why there are none. */
export type Reply =
	| { readonly ready: true }
	| { readonly id: number; readonly arrays: Readonly<Record<(typeof OUTPUTS)[number], Float32Array>> }
	| { readonly id?: number; readonly error: string };

/** Milliseconds a worker gets to release its session. */
const GRACE = 2000;

/**
 * Loads a bundle's graph into one ONNX Runtime session on a thread of its own (a run would block this one's event loop).
 * Forwards are run one after the other, in the order of the calls.
 * @throws {EdgeError} `model` when the graph cannot be loaded
 */
export function openModel(bundle: Bundle, options: ModelOptions = {}): Promise<Model> {
	const path = join(bundle.directory, bundle.manifest.model.file);
	const workerData: Start = { path, ...options };
	return connect(new Worker(new URL("./model.worker.js", import.meta.url), { workerData }), bundle);
}

/** The port `Model` over a worker that speaks `Request` and `Reply`; resolves when the worker is ready. */
export function connect(worker: Worker, bundle: Bundle): Promise<Model> {
	const pending = new Map<number, { resolve(value: Activations): void; reject(error: Error): void }>();
	let next = 0;
	let over: EdgeError | undefined;
	const frameSize = 3 * bundle.manifest.input.height * bundle.manifest.input.width;

	return new Promise<Model>((opened, failed) => {
		const end = (error: EdgeError) => {
			over ??= error;
			failed(over);
			for (const { reject } of pending.values()) reject(over);
			pending.clear();
		};
		const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
		worker.on("error", (cause) => end(new EdgeError("model", `the model's thread died: ${cause.message}`, { cause })));
		worker.on("exit", (code) => end(new EdgeError("model", `the model's thread ended with code ${code}`)));
		worker.on("message", (reply: Reply) => {
			if ("ready" in reply) {
				opened(model);
			} else if (reply.id === undefined) {
				end(new EdgeError("model", `${bundle.directory}: ${"error" in reply ? reply.error : "no answer"}`));
			} else {
				const call = pending.get(reply.id);
				pending.delete(reply.id);
				if ("error" in reply) call?.reject(new EdgeError("model", reply.error));
				else call?.resolve({ frames: reply.arrays.logits.length / bundle.manifest.labels.length, ...reply.arrays });
			}
		});
		const model: Model = {
			bundle,
			forward: async (pixels, affine) => {
				if (over) throw over;
				checkBatch(bundle.manifest, pixels, affine);
				const { height, width } = bundle.manifest.input;
				const id = next++;
				return new Promise<Activations>((resolve, reject) => {
					const request: Request = { id, pixels, dims: [pixels.length / frameSize, 3, height, width], affine };
					try {
						worker.postMessage(request, [pixels.buffer]);
					} catch (cause) {
						reject(new EdgeError("model", "the pixels' buffer cannot be handed over to the model's thread", { cause }));
						return;
					}
					pending.set(id, { resolve, reject });
				});
			},
			close: async () => {
				end(new EdgeError("model", "the model is closed"));
				worker.postMessage("close" satisfies Request);
				const late = setTimeout(() => worker.terminate(), GRACE);
				await exited;
				clearTimeout(late);
			},
		};
	});
}

/**
 * Refuses a batch that is not whole frames, or parameters of another model.
 * @throws {EdgeError} `model`
 */
export function checkBatch({ input, affine: length }: Manifest, pixels: Uint8Array, affine: Float32Array): void {
	const size = 3 * input.height * input.width;
	if (pixels.length === 0 || pixels.length % size !== 0) {
		throw new EdgeError("model", `expected frames of ${size} bytes each, found ${pixels.length} bytes`);
	}
	if (affine.length !== length) {
		throw new EdgeError("model", `expected ${length} affine values, found ${affine.length}`);
	}
}
