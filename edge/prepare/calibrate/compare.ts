import type { Normalization } from "../expose/image.js";
import type { Graph } from "../graph/onnx.js";
import { openSession } from "../graph/session.js";
import type { Opened } from "../open/open.js";
import type { Report } from "../report.js";
import { batches, largest, normalize, type Prepared, rowOf, type Sample } from "./samples.js";

/** Runs the original and the prepared model on the same frames and says how far they are apart. */
export async function compare(
	{ original, size }: Opened,
	normalization: Normalization,
	prepared: Prepared,
	samples: readonly Sample[],
): Promise<Pick<Report, "frames" | "agreement" | "logitError" | "labelled">> {
	const session = await openSession(original);
	const dims = [1, 3, size.height, size.width];
	const right = { float: 0, prepared: 0 };
	let agreeing = 0;
	let max = 0;
	let squares = 0;
	let logits = 0;
	let at = 0;
	try {
		for await (const [rows, outputs] of batches(prepared, samples)) {
			for (let i = 0; i < rows; i++) {
				const { pixels, label } = samples[at++];
				const image = { data: normalize(pixels, normalization), dims };
				const expected = Object.values(await session.run({ [original.inputs[0].name]: image }))[0].data as Float32Array;
				const found = rowOf(outputs, "logits", i, rows);
				if (largest(found) === largest(expected)) agreeing++;
				if (label === largest(expected)) right.float++;
				if (label === largest(found)) right.prepared++;
				for (const [k, value] of found.entries()) {
					max = Math.max(max, Math.abs(value - expected[k]));
					squares += (value - expected[k]) ** 2;
				}
				logits += found.length;
			}
		}
	} finally {
		await session.close();
	}
	const frames = samples.length;
	return {
		frames,
		agreement: agreeing / frames,
		logitError: { max, rms: Math.sqrt(squares / logits) },
		...(samples.every(({ label }) => label !== undefined) && {
			labelled: { float: right.float / frames, prepared: right.prepared / frames },
		}),
	};
}

/** A layer of which both graphs return what it makes, under the same name. */
export interface Layer {
	readonly name: string;
	readonly tensor: string;
	readonly kind: string;
}

/** How far each layer of the integer graph is from the float one: √(Σ difference² / Σ value²), the farthest first. */
export async function compareLayers(
	graphs: { readonly float: Graph; readonly integer: Graph },
	layers: readonly Layer[],
	prepared: Omit<Prepared, "session">,
	samples: readonly Sample[],
): Promise<Report["layers"]> {
	const outputs = layers.map(({ tensor }) => ({ name: tensor, type: 0, dims: [] }));
	const [float, integer] = [
		await openSession({ ...graphs.float, outputs }),
		await openSession({ ...graphs.integer, outputs }),
	];
	const sums = layers.map((layer) => ({ ...layer, difference: 0, value: 0 }));
	try {
		const others = batches({ ...prepared, session: integer }, samples);
		for await (const [, expected] of batches({ ...prepared, session: float }, samples)) {
			const found = (await others.next()).value?.[1];
			for (const sum of sums) {
				const [a, b] = [expected, found].map((values) => values?.[sum.tensor].data as Float32Array);
				for (let i = 0; i < a.length; i++) {
					sum.difference += (a[i] - b[i]) ** 2;
					sum.value += a[i] ** 2;
				}
			}
		}
	} finally {
		await float.close();
		await integer.close();
	}
	return sums
		.map(({ name, kind, difference, value }) => ({ name, kind, error: Math.sqrt(difference / Math.max(value, 1e-12)) }))
		.sort((a, b) => b.error - a.error);
}
