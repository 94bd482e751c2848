import { evaluate } from "../graph/session.js";
import type { Opened } from "../open/open.js";

/** The shape that each tensor has for one frame. */
export type Shapes = (tensor: string) => readonly number[];

/** Runs one grey frame through the model and notes the shape of everything that comes about. */
export async function shapesOf({ graph, image, size }: Opened): Promise<Shapes> {
	const names = graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
	const outputs = names.map((name) => ({ name, type: 0, dims: [] }));
	const dims = [1, 3, size.height, size.width];
	const values = await evaluate(
		{ ...graph, outputs },
		{ [image]: { data: new Float32Array(3 * dims[2] * dims[3]), dims } },
	);
	return (tensor) => (tensor === image ? dims : (values[tensor]?.dims ?? graph.constants.get(tensor)?.dims ?? []));
}
