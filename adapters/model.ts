import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Bundle, EdgeError, type Manifest, type Model } from "../operators/types.js";

export interface ModelOptions {
	/** Threads ONNX Runtime computes with; without it one for each core. */
	readonly threads?: number;
}

/** What the worker is started with. */
export interface Start extends ModelOptions {
	readonly model: string;
	readonly look: string;
}

/** The outputs of a bundle's graphs, by name. */
export const OUTPUTS = { model: ["logits", "features", "taps", "stem", "sites"], look: ["look"] } as const;

export type GraphName = keyof typeof OUTPUTS;

type Arrays<Name extends GraphName> = Readonly<Record<(typeof OUTPUTS)[Name][number], Float32Array>>;

/** What the worker is asked: a batch to go through a graph, or to end. */
export type Request =
	| {
			readonly id: number;
			readonly graph: GraphName;
			readonly pixels: Uint8Array<ArrayBuffer>;
			/** n, 3, H, W */
			readonly dims: readonly number[];
			readonly affine?: Float32Array;
	  }
	| "close";

/** What the worker answers: that it is ready, the outputs of one batch, or why there are none. */
export type Reply =
	| { readonly ready: true }
	| { readonly id: number; readonly arrays: Arrays<GraphName> }
	| { readonly id?: number; readonly error: string };

/** Milliseconds a worker gets to release its session. */
const GRACE = 2000;

/**
 * Loads a bundle's graphs into ONNX Runtime sessions on a thread of their own (a run would block this one's event loop).
 * Batches are taken one after the other, in the order of the calls.
 * @throws {EdgeError} `model` when a graph cannot be loaded
 */
export function openModel(bundle: Bundle, options: ModelOptions = {}): Promise<Model> {
	const { model, look } = bundle.manifest;
	const [modelPath, lookPath] = [model, look].map(({ file }) => join(bundle.directory, file));
	const workerData: Start = { model: modelPath, look: lookPath, ...options };
	return connect(new Worker(new URL("./model.worker.js", import.meta.url), { workerData }), bundle);
}

/** The port `Model` over a worker that speaks `Request` and `Reply`; resolves when the worker is ready. */
export function connect(worker: Worker, bundle: Bundle): Promise<Model> {
	const pending = new Map<number, { resolve(value: Arrays<GraphName>): void; reject(error: Error): void }>();
	let next = 0;
	let over: EdgeError | undefined;
	const { height, width } = bundle.manifest.input;
	const ask = async <Name extends GraphName>(
		graph: Name,
		pixels: Uint8Array<ArrayBuffer>,
		affine?: Float32Array,
	): Promise<Arrays<Name>> => {
		if (over) throw over;
		checkBatch(bundle.manifest, pixels);
		if (affine) checkAffine(bundle.manifest, affine);
		const id = next++;
		const dims = [pixels.length / (3 * height * width), 3, height, width];
		return new Promise<Arrays<Name>>((resolve, reject) => {
			const request: Request = { id, graph, pixels, dims, ...(affine && { affine }) };
			try {
				worker.postMessage(request, [pixels.buffer]);
			} catch (cause) {
				reject(new EdgeError("model", "the pixels' buffer cannot be handed over to the model's thread", { cause }));
				return;
			}
			pending.set(id, { resolve, reject });
		});
	};

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
				else call?.resolve(reply.arrays);
			}
		});
		const model: Model = {
			bundle,
			forward: async (pixels, affine) => {
				const arrays = await ask("model", pixels, affine);
				return { frames: arrays.logits.length / bundle.manifest.labels.length, ...arrays };
			},
			look: async (pixels) => (await ask("look", pixels)).look,
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
 * Refuses a batch that is not whole frames.
 * @throws {EdgeError} `model`
 */
export function checkBatch({ input }: Manifest, pixels: Uint8Array): void {
	const size = 3 * input.height * input.width;
	if (pixels.length === 0 || pixels.length % size !== 0) {
		throw new EdgeError("model", `expected frames of ${size} bytes each, found ${pixels.length} bytes`);
	}
}

/**
 * Refuses parameters of another model.
 * @throws {EdgeError} `model`
 */
export function checkAffine({ affine: length }: Manifest, affine: Float32Array): void {
	if (affine.length !== length) {
		throw new EdgeError("model", `expected ${length} affine values, found ${affine.length}`);
	}
}
