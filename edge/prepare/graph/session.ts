/** Runs graphs while preparing. What is prepared is run by `adapters/model.ts`. */

import * as ort from "onnxruntime-node";
import { sessionOptions } from "../../../adapters/model.session.js";
import { ElementType, encodeModel, type Graph, type Tensor } from "./onnx.js";

export type Feed = { readonly data: Float32Array | Uint8Array; readonly dims: readonly number[] };
export type Outputs = Readonly<Record<string, ort.Tensor>>;

export interface Session {
	run(feeds: Readonly<Record<string, Feed>>): Promise<Outputs>;
	close(): Promise<void>;
}

/**
 * Loads a graph into ONNX Runtime.
 * @param optimized a file to which the graph is written as it is really executed
 * @param threads without it one for each core
 */
export async function openSession(graph: Graph, optimized?: string, threads?: number): Promise<Session> {
	const session = await ort.InferenceSession.create(encodeModel(graph), {
		...sessionOptions(threads),
		...(optimized === undefined ? {} : { optimizedModelFilePath: optimized }),
	});
	return {
		run: (feeds) => session.run(Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toOrt(feed)]))),
		close: () => session.release(),
	};
}

/** Runs a graph once. */
export async function evaluate(graph: Graph, feeds: Readonly<Record<string, Feed>>): Promise<Outputs> {
	const session = await openSession(graph);
	try {
		return await session.run(feeds);
	} finally {
		await session.close();
	}
}

/** What a run returned, as a constant of a graph. */
export function toConstant(tensor: ort.Tensor): Tensor {
	const type = ElementType[tensor.type as keyof typeof ElementType];
	if (type === undefined) throw new TypeError(`a constant of type ${tensor.type} is not supported`);
	const data = tensor.data as Uint8Array;
	return { type, dims: tensor.dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() };
}

const toOrt = ({ data, dims }: Feed) =>
	data instanceof Uint8Array ? new ort.Tensor("uint8", data, dims) : new ort.Tensor("float32", data, dims);
