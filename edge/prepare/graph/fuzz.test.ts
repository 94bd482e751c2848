import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Mistake } from "../../mistake.js";
import { mutant, seeds } from "./fixtures.js";
import { consumersOf, edit, opsetOf, producersOf, rename } from "./graph.js";
import { decodeModel, encodeModel, type Graph } from "./onnx.js";

const MUTANTS = 10_000;
/** One mutant takes a few milliseconds; what takes this long is on its way to never. */
const LONGEST_MS = 250;
const MOST_MEGABYTES = 256;

/** What happened to the mutants; `failures` say what should not have. */
interface Outcome {
	decoded: number;
	readonly failures: string[];
}

/** Takes a model through the steps that are made without ONNX Runtime. */
function handle(graph: Graph): void {
	const bytes = encodeModel(graph);
	assert.ok(Buffer.from(bytes).equals(encodeModel(decodeModel(bytes, "again"))), "another model when written and read");
	encodeModel(edit(graph, () => {}));
	encodeModel(rename(graph, (name) => `${name}.renamed`));
	assert.ok(opsetOf(graph) >= 13);
	consumersOf(graph);
	const changed = edit(graph, (draft) => {
		for (const output of [...producersOf(graph).keys()].slice(0, 5)) {
			draft.make(output, "Relu", [draft.intercept(output)]);
		}
		draft.redirect(graph.inputs[0].name, draft.add("Cast", [graph.inputs[0].name]));
		draft.output("another", graph.outputs[0].name, 1, []);
	});
	encodeModel(changed);
}

/** Lets one mutant be decoded and handled; tells what went wrong other than by a mistake of one line. */
function attempt(bytes: Uint8Array, outcome: Outcome): string | undefined {
	try {
		const graph = decodeModel(bytes, "m.onnx");
		outcome.decoded++;
		handle(graph);
		return undefined;
	} catch (error) {
		if (error instanceof Mistake) return /^m\.onnx: .+$/.test(error.message) ? undefined : `says ${error.message}`;
		return String((error as Error).stack);
	}
}

function fuzz(progress: Int32Array): Outcome {
	const models = seeds();
	const outcome: Outcome = { decoded: 0, failures: [] };
	for (let seed = 0; seed < MUTANTS && outcome.failures.length < 5; seed++) {
		Atomics.store(progress, 0, seed);
		const bytes = mutant(models, seed);
		const timed = () => {
			const start = performance.now();
			const failure = attempt(bytes, outcome);
			return failure ?? (performance.now() - start < LONGEST_MS ? undefined : "takes long");
		};
		let failure = timed();
		// Another program may have taken the time.
		if (failure === "takes long") failure = timed();
		if (failure !== undefined) outcome.failures.push(`mutant ${seed} ${failure}`);
	}
	return outcome;
}

/** Has the mutants handled in a thread of its own, so that a hang ends and memory is bounded. */
async function fuzzInWorker(): Promise<Outcome> {
	const progress = new Int32Array(new SharedArrayBuffer(4));
	const worker = new Worker(new URL(import.meta.url), {
		workerData: { fuzz: progress },
		resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
	});
	const at = () => `at mutant ${Atomics.load(progress, 0)}`;
	try {
		return await new Promise((resolve, reject) => {
			worker.once("message", resolve);
			worker.once("error", (cause) => reject(new Error(`${cause} ${at()}`, { cause })));
			setTimeout(() => reject(new Error(`hangs ${at()}`)), 150_000).unref();
		});
	} finally {
		await worker.terminate();
	}
}

if (isMainThread) {
	describe("a model with an error anywhere in it", () => {
		it("is decoded or refused in one sentence, soon and in little memory", async () => {
			const { decoded, failures } = await fuzzInWorker();
			assert.deepEqual(failures, []);
			// Were nearly all of one kind, the other would not have been tried.
			assert.ok(decoded > MUTANTS / 10 && decoded < MUTANTS / 2, `${decoded} decoded`);
			// Buffers do not count as the thread's own memory.
			assert.ok(process.resourceUsage().maxRSS < (3 * MOST_MEGABYTES) << 10, "took much memory");
		});
	});
} else if (workerData?.fuzz) {
	parentPort?.postMessage(fuzz(workerData.fuzz));
}
