import type { Graph } from "../graph/onnx.js";
import { openSession } from "../graph/session.js";
import { count, emptyHistogram, type Range, type RangeMethod, rangeOf } from "./histogram.js";
import { batches, type Prepared, type Sample } from "./samples.js";

/** Which tensors' ranges are wanted, and between which bounds their values lie by what makes them. */
type Wanted = ReadonlyMap<string, { readonly min: number; readonly max: number }>;

/**
 * The ranges that tensors of an exposed graph take over the samples.
 * @param levels how many values they are rounded to
 */
export async function observeRanges(
	graph: Graph,
	wanted: Wanted,
	{ size, affine }: Omit<Prepared, "session">,
	samples: readonly Sample[],
	method: RangeMethod,
	levels: number,
): Promise<Map<string, Range>> {
	const names = [...wanted.keys()];
	if (names.length === 0) return new Map();
	const histograms = new Map(names.map((name) => [name, emptyHistogram()]));
	const session = await openSession({ ...graph, outputs: names.map((name) => ({ name, type: 0, dims: [] })) });
	try {
		for await (const [, outputs] of batches({ session, size, ...(affine && { affine }) }, samples)) {
			for (const [name, histogram] of histograms) {
				histograms.set(name, count(histogram, outputs[name].data as Float32Array));
			}
		}
	} finally {
		await session.close();
	}
	return new Map(
		[...histograms].map(([name, histogram]) => {
			const { min, max } = rangeOf(histogram, method, levels);
			const bounds = wanted.get(name) ?? { min, max };
			return [name, { min: Math.max(min, Math.min(0, bounds.min)), max: Math.min(max, Math.max(0, bounds.max)) }];
		}),
	);
}
