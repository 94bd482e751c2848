import type { RangeMethod } from "./calibrate/histogram.js";
import { observeRanges } from "./calibrate/ranges.js";
import { MOST_FOR_RANGES, type Prepared, type Sample } from "./calibrate/samples.js";
import type { Exposed } from "./expose/expose.js";
import type { Parts } from "./expose/parts.js";
import type { Graph } from "./graph/onnx.js";
import { activationGrid, type Bits } from "./quantize/grids.js";
import { planOf, unknownTensors } from "./quantize/plan.js";
import { quantize } from "./quantize/quantize.js";

/** Makes a graph integer by what was learned from calibration; any form of the same model: opened, closed, with more outputs. */
export type Quantizer = (exposed: Exposed) => Graph;

/** Observes the ranges of what is to become bytes. */
export async function calibrated(
	exposed: Exposed,
	parts: Parts,
	prepared: Omit<Prepared, "session">,
	samples: readonly Sample[],
	options: { readonly bits: Bits; readonly ranges: RangeMethod; readonly head: boolean },
): Promise<Quantizer> {
	const { bits, head, ranges: method } = options;
	const wanted = unknownTensors(planOf(exposed, parts, head), exposed);
	const some = samples.slice(0, MOST_FOR_RANGES);
	const ranges = await observeRanges(exposed.graph, wanted, prepared, some, method, 2 ** bits);
	const measured = new Set(exposed.maps.map(({ thinned }) => thinned));
	const grids = [...ranges].map(([name, { min, max }]) => {
		// What moments are taken of has to hold what other weather brings, and has as many integers as there are.
		const grid = measured.has(name)
			? activationGrid({ min: 2 * min, max: 2 * max }, 8)
			: activationGrid({ min, max }, bits);
		return [name, grid] as const;
	});
	return (form) => quantize(form, parts, planOf(form, parts, head), new Map([...grids, ...form.grids]), bits);
}
