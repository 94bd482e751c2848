import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { type GraphName, OUTPUTS, type Reply, type Request, type Start } from "./model.js";
import { sessionOptions } from "./model.session.js";

const port = parentPort as NonNullable<typeof parentPort>;
const { model, look, threads } = workerData as Start;
const reply = (message: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0];

const sessions = new Map<GraphName, ort.InferenceSession>();
const released = () => Promise.all([...sessions.values()].map((session) => session.release()));

/** What the runtime does not take as an input is ignored without a word, and nothing would ever adapt. */
const open = async (graph: GraphName, path: string, inputs: readonly string[], threads: number | undefined) => {
	const session = await ort.InferenceSession.create(path, sessionOptions(threads));
	sessions.set(graph, session);
	const missing = [
		...inputs.filter((name) => !session.inputNames.includes(name)),
		...OUTPUTS[graph].filter((name) => !session.outputNames.includes(name)),
	];
	if (missing.length > 0) throw new Error(`${path}: expected the input or output ${missing[0]}`);
};

const run = async ({ id, graph, pixels, dims, affine }: Exclude<Request, "close">) => {
	try {
		const session = sessions.get(graph) as ort.InferenceSession;
		const found = await session.run({
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

try {
	await open("model", model, ["pixels", "affine"], threads);
	// A dozen nodes are not worth a pool of threads.
	await open("look", look, ["pixels"], 1);
	let last: Promise<void> = Promise.resolve();
	port.on("message", (request: Request) => {
		if (request !== "close") {
			last = last.then(() => run(request));
			return;
		}
		port.close();
		void last.then(released);
	});
	reply({ ready: true });
} catch (error) {
	reply({ error: sentence(error) });
	port.close();
	await released();
}
