import { defaultThreads } from "../settings.js";
import { compare, compareLayers, type Layer } from "./calibrate/compare.js";
import { BATCH, normalize, type Prepared, type Sample, together } from "./calibrate/samples.js";
import { closed, type Exposed } from "./expose/expose.js";
import type { Normalization } from "./expose/image.js";
import type { Parts } from "./expose/parts.js";
import { edit } from "./graph/graph.js";
import { encodeModel, type Graph } from "./graph/onnx.js";
import { openSession } from "./graph/session.js";
import type { Quantizer } from "./integers.js";
import type { Opened } from "./open/open.js";
import { planOf } from "./quantize/plan.js";
import type { Report } from "./report.js";
import { medianRatio, medians, timed } from "./timing.js";

/** What was prepared, and what from. */
export interface Measured {
	readonly opened: Opened;
	readonly parts: Parts;
	readonly normalization: Normalization;
	readonly exposed: Exposed;
	/** Absent where the model stays float. */
	readonly quantizer: Quantizer | undefined;
	/** The prepared graph, and the same in a session. */
	readonly graph: Graph;
	readonly prepared: Prepared;
}

/** Frames that layers are compared on; every output of every layer is held in memory for a batch of them. */
const FOR_LAYERS = 32;
const ROUNDS = 7;

/** Measures, on frames that nothing was calibrated with, how close the prepared model is to the original, and how fast. */
export async function measure(
	measured: Measured,
	heldBack: readonly Sample[],
): Promise<Omit<Report, "sites" | "taps" | "parameters">> {
	const { opened, normalization, graph, prepared } = measured;
	return {
		...(await compare(opened, normalization, prepared, heldBack)),
		layers: await worstLayers(measured, heldBack.slice(0, FOR_LAYERS)),
		bytes: { float: encodeModel(opened.graph).length, prepared: encodeModel(graph).length },
		...(await speeds(measured, heldBack)),
	};
}

async function worstLayers(
	{ exposed, parts, quantizer, prepared }: Measured,
	samples: readonly Sample[],
): Promise<Report["layers"]> {
	if (quantizer === undefined) return [];
	const { convolutions, products } = planOf(exposed, parts, false);
	const layers: Layer[] = [
		...convolutions.map(({ result }) => ({ name: result, tensor: result, kind: "convolution" })),
		...products.map(({ outputs: [output] }) => ({ name: output, tensor: output, kind: "product" })),
	];
	if (layers.length === 0) return [];
	const more = {
		...exposed,
		graph: edit(exposed.graph, (draft) => {
			for (const { tensor } of layers) draft.outputs.push({ name: tensor, type: 0, dims: [] });
		}),
	};
	return compareLayers({ float: more.graph, integer: quantizer(more) }, layers, prepared, samples);
}

/** Milliseconds a frame of the float model, of the closed and of the opened one, in turns within one run. */
async function speeds(
	{ opened, parts, normalization, quantizer, graph, prepared }: Measured,
	heldBack: readonly Sample[],
): Promise<Pick<Report, "milliseconds" | "opening">> {
	const { height, width } = opened.size;
	const batch = Array.from({ length: BATCH }, (_, i) => heldBack[i % heldBack.length].pixels);
	const dims = [BATCH, 3, height, width];
	const image = { data: together(batch.map((pixels) => normalize(pixels, normalization))), dims };
	const pixels = { data: together(batch), dims };
	const { affine = new Float32Array() } = prepared;
	const shut = closed(opened, parts, normalization);
	const sessions = await Promise.all(
		[opened.graph, quantizer ? quantizer(shut) : shut.graph, graph].map((one) =>
			openSession(one, undefined, defaultThreads()),
		),
	);
	const [float, quantized, adaptable] = sessions;
	try {
		const timings = await timed(
			{
				float: async () => void (await float.run({ [opened.image]: image })),
				quantized: async () => void (await quantized.run({ pixels })),
				adaptable: async () => void (await adaptable.run({ pixels, affine: { data: affine, dims: [affine.length] } })),
			},
			ROUNDS,
			BATCH,
		);
		const { quantized: shutTime, ...others } = medians(timings);
		return {
			milliseconds: quantizer ? { ...others, quantized: shutTime } : others,
			opening: medianRatio(timings, "adaptable", "quantized") - 1,
		};
	} finally {
		for (const session of sessions) await session.close();
	}
}
