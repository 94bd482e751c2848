import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { loadExternal, TOO_LARGE } from "./external.js";
import { type Graph, isExternal, parseModel, tensorsOf, toGraph } from "./onnx.js";
import { type Refuse, refusing } from "./sentence.js";

/** What protocol buffers can hold, and thus what is handed to ONNX Runtime. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Reads an ONNX model, with the weights that it keeps in other files of its folder.
 * @throws {Mistake} when it cannot be read, or is none that `decodeModel` would decode
 */
export async function readModel(path: string): Promise<Graph> {
	const refuse: Refuse = refusing(path);
	const bytes = await readWhole(path, refuse);
	const model = parseModel(bytes, path);
	const external = tensorsOf(model).filter(({ message }) => isExternal(message));
	await loadExternal(external, path, MOST_BYTES - bytes.length, refuse);
	return toGraph(model, path);
}

async function readWhole(path: string, refuse: Refuse): Promise<Uint8Array> {
	const unreadable = (cause: NodeJS.ErrnoException) => refuse(`cannot be read (${cause.code ?? cause.message})`, cause);
	// Not blocking: opening a pipe waits for somebody to write to it.
	const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(unreadable);
	try {
		const found = await file.stat();
		if (!found.isFile()) refuse("is no file; expected an ONNX model");
		if (found.size > MOST_BYTES) refuse(TOO_LARGE);
		return await file.readFile().catch(unreadable);
	} finally {
		await file.close();
	}
}
