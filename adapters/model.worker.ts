import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { OUTPUTS, type Reply, type Request, type Start } from "./model.js";
import { sessionOptions } from "./model.session.js";

const port = parentPort as NonNullable<typeof parentPort>;
const { path, threads } = workerData as Start;
const reply = (message: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0];

try {
	const session = await ort.InferenceSession.create(path, sessionOptions(threads));
	// A parameter that the runtime does not take as an input is ignored without a word, and nothing would ever adapt.
	const missing = [
		...["pixels", "affine"].filter((name) => !session.inputNames.includes(name)),
		...OUTPUTS.filter((name) => !session.outputNames.includes(name)),
	];
	if (missing.length > 0) throw new Error(`${path}: expected the input or output ${missing[0]}`);

	const forward = async ({ id, pixels, dims, affine }: Exclude<Request, "close">) => {
		try {
			const found = await session.run({
				pixels: new ort.Tensor("uint8", pixels, dims),
				affine: new ort.Tensor("float32", affine, [affine.length]),
			});
			const arrays = Object.fromEntries(OUTPUTS.map((name) => [name, found[name].data as Float32Array]));
			const buffers = Object.values(arrays).map(({ buffer }) => buffer as ArrayBuffer);
			reply({ id, arrays: arrays as Record<(typeof OUTPUTS)[number], Float32Array> }, buffers);
		} catch (error) {
			reply({ id, error: sentence(error) });
		}
	};
	let last: Promise<void> = Promise.resolve();
	port.on("message", (request: Request) => {
		if (request !== "close") {
			last = last.then(() => forward(request));
			return;
		}
		port.close();
		void last.then(() => session.release());
	});
	reply({ ready: true });
} catch (error) {
	reply({ error: sentence(error) });
	port.close();
}
