import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { OUTPUTS, type Reply, type Request, type Start } from "./model.js";
import { sessionOptions } from "./model.session.js";

const port = parentPort as NonNullable<typeof parentPort>;
const { model, look, threads } = workerData as Start;
const reply = (message: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0];

/** A graph's session. What the runtime does not take as an input is ignored without a word, and nothing would ever adapt. */
const opened = async (path: string, inputs: readonly string[], outputs: readonly string[]) => {
	const session = await ort.InferenceSession.create(path, sessionOptions(threads));
	const missing = [
		...inputs.filter((name) => !session.inputNames.includes(name)),
		...outputs.filter((name) => !session.outputNames.includes(name)),
	];
	if (missing.length > 0) throw new Error(`${path}: expected the input or output ${missing[0]}`);
	return session;
};

try {
	const sessions = {
		model: await opened(model, ["pixels", "affine"], OUTPUTS.model),
		look: await opened(look, ["pixels"], OUTPUTS.look),
	};

	const run = async ({ id, pixels, dims, affine }: Exclude<Request, "close">) => {
		try {
			const graph = affine ? "model" : "look";
			const found = await sessions[graph].run({
				pixels: new ort.Tensor("uint8", pixels, dims),
				...(affine && { affine: new ort.Tensor("float32", affine, [affine.length]) }),
			});
			const arrays = Object.fromEntries(OUTPUTS[graph].map((name) => [name, found[name].data as Float32Array]));
			const buffers = Object.values(arrays).map(({ buffer }) => buffer as ArrayBuffer);
			reply({ id, arrays: arrays as Extract<Reply, { arrays: unknown }>["arrays"] }, buffers);
		} catch (error) {
			reply({ id, error: sentence(error) });
		}
	};
	let last: Promise<void> = Promise.resolve();
	port.on("message", (request: Request) => {
		if (request !== "close") {
			last = last.then(() => run(request));
			return;
		}
		port.close();
		void last.then(() => Promise.all(Object.values(sessions).map((session) => session.release())));
	});
	reply({ ready: true });
} catch (error) {
	reply({ error: sentence(error) });
	port.close();
}
