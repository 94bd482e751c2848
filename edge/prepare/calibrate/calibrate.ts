/** What only running the model can tell: ranges of activations, statistics of the source, closeness to the original. */

import type { Manifest, Source } from "../../../operators/types.js";
import { type Normalization, PLANES } from "../expose/expose.js";
import type { Graph } from "../graph/onnx.js";
import { type Outputs, openSession, type Session } from "../graph/session.js";
import type { Opened, Size } from "../open/open.js";
import { count, emptyHistogram, type Range, rangeOf } from "./histogram.js";

/** Frames that go through the model together. */
const BATCH = 8;

/**
 * The share of an activation's values that may be clipped, on each side. On the model trained for the demo the largest logit
 * error is 0.04 without clipping, 0.05 with 1e-6 to 1e-4 and 0.13 with 1e-3: what fog and night move needs the room.
 */
const CLIPPED = 1e-6;

/** Calibration frames, planes G, B, R, and the place of their class among the labels where it is known. */
export interface Sample {
	readonly pixels: Uint8Array;
	readonly label?: number;
}

/** A prepared graph in a session, with the affine it is run with. */
export interface Prepared {
	readonly session: Session;
	readonly size: Size;
	readonly affine: Float32Array;
}

async function* batches(
	{ session, size, affine }: Prepared,
	samples: readonly Sample[],
): AsyncGenerator<[number, Outputs]> {
	for (let at = 0; at < samples.length; at += BATCH) {
		const batch = samples.slice(at, at + BATCH);
		const area = 3 * size.height * size.width;
		const data = new Uint8Array(batch.length * area);
		for (const [i, { pixels }] of batch.entries()) data.set(pixels, i * area);
		const pixels = { data, dims: [batch.length, 3, size.height, size.width] };
		yield [batch.length, await session.run({ pixels, affine: { data: affine, dims: [affine.length] } })];
	}
}

/** The ranges that tensors of an exposed graph take over the samples. */
export async function observeRanges(
	graph: Graph,
	tensors: readonly string[],
	{ size, affine }: Omit<Prepared, "session">,
	samples: readonly Sample[],
): Promise<Map<string, Range>> {
	const histograms = new Map(tensors.map((name) => [name, emptyHistogram()]));
	const session = await openSession({ ...graph, outputs: tensors.map((name) => ({ name, type: 0, dims: [] })) });
	try {
		for await (const [, outputs] of batches({ session, size, affine }, samples)) {
			for (const [name, histogram] of histograms) {
				histograms.set(name, count(histogram, outputs[name].data as Float32Array));
			}
		}
	} finally {
		await session.close();
	}
	return new Map([...histograms].map(([name, histogram]) => [name, rangeOf(histogram, CLIPPED)]));
}

export type Statistics = Omit<Source, "affine" | "head">;

/**
 * The source's statistics as the prepared model itself sees them, at least two samples given.
 * A sample without a label counts for the class that is predicted; a class without samples gets the overall moments.
 */
export async function gatherStatistics(
	prepared: Prepared,
	samples: readonly Sample[],
	classes: number,
): Promise<Statistics> {
	const tallies = { taps: tally(classes), stem: tally(classes), sites: tally(classes) };
	const squares = tally(classes);
	let at = 0;
	for await (const [size, outputs] of batches(prepared, samples)) {
		for (let i = 0; i < size; i++) {
			const label = samples[at++].label ?? largest(rowOf(outputs, "logits", i, size));
			for (const [name, sums] of Object.entries(tallies)) sums.add(label, rowOf(outputs, name, i, size));
			squares.add(
				label,
				rowOf(outputs, "taps", i, size).map((value) => value * value),
			);
		}
	}
	const { taps, stem, sites } = tallies;
	const tapMean = taps.overall();
	const variance = squares.overall().map((square, i) => (Math.max(0, square - tapMean[i] ** 2) * at) / (at - 1));
	return {
		tapMean: Float32Array.from(tapMean),
		tapDeviation: Float32Array.from(variance, Math.sqrt),
		stem: Float32Array.from(stem.overall()),
		sites: Float32Array.from(sites.overall()),
		stemByClass: stem.byClass(),
		sitesByClass: sites.byClass(),
	};
}

/** Adds rows up, for each class apart. */
function tally(classes: number) {
	const counts = new Float64Array(classes);
	let sums: Float64Array[] = [];
	const overall = () => {
		const rows = counts.reduce((total, own) => total + own, 0);
		return Float64Array.from(sums[0], (_, i) => sums.reduce((total, sum) => total + sum[i], 0) / rows);
	};
	return {
		add(label: number, row: Float32Array) {
			if (sums.length === 0) sums = Array.from({ length: classes }, () => new Float64Array(row.length));
			counts[label]++;
			for (let i = 0; i < row.length; i++) sums[label][i] += row[i];
		},
		overall,
		byClass() {
			const mean = overall();
			const result = new Float32Array(classes * mean.length);
			for (const [label, sum] of sums.entries()) {
				result.set(counts[label] > 0 ? sum.map((value) => value / counts[label]) : mean, label * mean.length);
			}
			return result;
		},
	};
}

/** Runs original and prepared model on the same frames and says how far they are apart. */
export async function compare(
	opened: Opened,
	normalization: Normalization,
	prepared: Prepared,
	samples: readonly Sample[],
): Promise<Manifest["report"]> {
	const { height, width } = opened.size;
	const original = await openSession(opened.graph);
	let agreeing = 0;
	let maxLogitError = 0;
	let at = 0;
	try {
		for await (const [size, outputs] of batches(prepared, samples)) {
			for (let i = 0; i < size; i++) {
				const image = { data: normalize(samples[at++].pixels, normalization), dims: [1, 3, height, width] };
				const expected = (await original.run({ [opened.image]: image }))[opened.logits].data as Float32Array;
				const found = rowOf(outputs, "logits", i, size);
				if (largest(found) === largest(expected)) agreeing++;
				for (const [k, value] of found.entries())
					maxLogitError = Math.max(maxLogitError, Math.abs(value - expected[k]));
			}
		}
	} finally {
		await original.close();
	}
	return { frames: samples.length, agreement: agreeing / samples.length, maxLogitError };
}

/** The original model's input for one frame: planes R, G, B of (pixel / 255 − mean) / std. */
export function normalize(pixels: Uint8Array, { mean, std }: Normalization): Float32Array {
	const area = pixels.length / 3;
	const image = new Float32Array(pixels.length);
	for (const [plane, channel] of PLANES.entries()) {
		for (let i = 0; i < area; i++) {
			image[channel * area + i] = (pixels[plane * area + i] / 255 - mean[channel]) / std[channel];
		}
	}
	return image;
}

function rowOf(outputs: Outputs, name: string, row: number, rows: number): Float32Array {
	const data = outputs[name].data as Float32Array;
	const width = data.length / rows;
	return data.slice(row * width, (row + 1) * width);
}

const largest = (values: Float32Array) => values.indexOf(Math.max(...values));
