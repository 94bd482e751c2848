import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import type { Site } from "../../operators/types.js";
import { readPictures } from "./calibrate/images.js";
import { BATCH } from "./calibrate/samples.js";
import { type Exposed, expose } from "./expose/expose.js";
import { gratingOfMap, gratingOfStem, gratingOfTokens } from "./expose/moments.js";
import { findParts, type Parts } from "./expose/parts.js";
import { planSites, sourceAffine } from "./expose/sites.js";
import { distance, forward, tinyTransformer, workshops, written } from "./fixtures.js";
import { drawnFrames, MAP, type ResNetOptions, tinyResNet, trainedOn } from "./fixtures.resnet.js";
import { floatOf } from "./graph/graph.js";
import type { Graph } from "./graph/onnx.js";
import { openModel } from "./open/open.js";
import { prepare } from "./prepare.js";

const open = workshops();
const plain = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const FRAMES = 3;

interface Opened {
	readonly exposed: Exposed;
	readonly parts: Parts;
	readonly sites: readonly Site[];
	readonly affine: Float32Array;
}

/** A model opened at all its sites, in float and not yet written. */
async function opened(model: Graph): Promise<Opened> {
	const shop = await open(model);
	const found = await openModel(shop.model);
	const parts = await findParts(found);
	const sites = planSites(parts, ["*"]);
	const affine = sourceAffine(found.graph, parts, sites);
	return { exposed: expose(found, parts, sites, plain, "running"), parts, sites, affine };
}

/** Mean and mean square of each channel over some positions of a map [C,H,W] or of rows [positions,C]. */
function moments(value: (channel: number, position: number) => number, channels: number, positions: readonly number[]) {
	return [1, 2].flatMap((power) =>
		Array.from(
			{ length: channels },
			(_, c) => positions.reduce((sum, p) => sum + value(c, p) ** power, 0) / positions.length,
		),
	);
}

/** One site's columns of a frame's moments [2,S]. */
function columnsOf(all: Float32Array, sites: readonly Site[], which: number, frame: number): number[] {
	const S = sites.reduce((sum, { channels }) => sum + channels, 0);
	const start = sites.slice(0, which).reduce((sum, { channels }) => sum + channels, 0);
	const row = (moment: number) => (2 * frame + moment) * S + start;
	return [0, 1].flatMap((moment) => [...all.subarray(row(moment), row(moment) + sites[which].channels)]);
}

describe("the moments of a convolutional network", () => {
	const variants: Readonly<Record<string, ResNetOptions>> = {
		"with live norms": { stages: 4 },
		"with folded norms": { stages: 4, norms: "folded" },
		"padding by itself": { padding: "auto", norms: "folded" },
		"with norms before": { block: "before" },
	};
	for (const [name, options] of Object.entries(variants)) {
		it(`are those of as many positions of the map before its affine as the manifest says (${name})`, async () => {
			const { exposed, parts, sites, affine } = await opened(tinyResNet(options));
			const raws = sites.map((_, i) => exposed.maps[i].raw);
			// What the affine is does not matter to what is measured before it; only its own, not that of the sites before.
			const found = await forward(exposed.graph, drawnFrames(FRAMES), affine, raws);
			for (const [i, site] of sites.entries()) {
				const place = parts.places.find((one) => one.name === site.name);
				const [height, width] = place ? place.shape.slice(2) : [parts.stem.height, parts.stem.width];
				const { step } = place ? gratingOfMap(height, width) : gratingOfStem(height, width);
				const places = Array.from({ length: height * width }, (_, p) => p).filter(
					(p) => (p % width) % step === 0 && Math.floor(p / width) % step === 0,
				);
				assert.equal(site.positions, places.length, site.name);
				const area = height * width;
				for (let frame = 0; frame < FRAMES; frame++) {
					const value = (c: number, p: number) => found[raws[i]][(frame * site.channels + c) * area + p];
					const expected = moments(value, site.channels, places);
					assert.ok(distance(columnsOf(found.sites, sites, i, frame), expected) < 1e-3, site.name);
				}
			}
			assert.deepEqual(
				[...found.stem],
				[...Array(FRAMES).keys()].flatMap((frame) => columnsOf(found.sites, sites, 0, frame)),
			);
		});
	}

	for (const [name, options] of Object.entries(variants)) {
		it(`are nearly the same in int8 (${name})`, async () => {
			const shop = await open(tinyResNet(options));
			const outcomes = [];
			for (const bits of [8, 32] as const) {
				const out = `${shop.out}.${bits}`;
				await prepare({ ...shop, bits, out });
				const { source } = await openBundle(out);
				outcomes.push(await forward(await written({ out }), drawnFrames(FRAMES), source.affine));
			}
			const [int8, float] = outcomes;
			const largest = float.sites.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
			assert.ok(
				distance(int8.sites, float.sites) < 0.06 * largest,
				`${distance(int8.sites, float.sites)} of ${largest}`,
			);
		});
	}
});

describe("the moments of a transformer", () => {
	const variants = {
		"with a class token": tinyTransformer({ blocks: 3 }),
		"without one": tinyTransformer({ blocks: 3, pooling: "mean", token: false }),
		"with norms behind its blocks": tinyTransformer({ norms: "post" }),
		"with LayerNorms in single steps": tinyTransformer({ spelled: "steps" }),
	};
	for (const [name, model] of Object.entries(variants)) {
		it(`are those of as many normalized tokens as the manifest says (${name})`, async () => {
			const { exposed, parts, sites, affine } = await opened(model);
			const norms = parts.places.map(({ output }) =>
				exposed.graph.nodes.find(({ outputs }) => outputs.includes(output)),
			);
			const inputs = norms.map((node) => node?.inputs[0] ?? "");
			const found = await forward(exposed.graph, drawnFrames(FRAMES, 16), affine, [...new Set(inputs)]);
			for (const [k, { shape }] of parts.places.entries()) {
				const [, tokens, width] = shape;
				const { start, step } = gratingOfTokens(tokens);
				const places = Array.from({ length: tokens }, (_, p) => p).filter(
					(p) => p >= start && (p - start) % step === 0,
				);
				assert.equal(sites[k + 1].positions, places.length);
				const epsilon = norms[k] ? floatOf(norms[k], "epsilon", 1e-5) : 0;
				for (let frame = 0; frame < FRAMES; frame++) {
					const rows = places.map((p) => {
						const at = (frame * tokens + p) * width;
						return normalized([...found[inputs[k]].subarray(at, at + width)], epsilon);
					});
					const expected = moments((c, p) => rows[p][c], width, [...rows.keys()]);
					assert.ok(distance(columnsOf(found.sites, sites, k + 1, frame), expected) < 1e-4, sites[k + 1].name);
				}
			}
		});
	}
});

function normalized(row: readonly number[], epsilon: number): number[] {
	const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
	const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
	return row.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
}

describe("the source statistics of a ResNet", () => {
	/** The pictures as prepare sees them, and a network that was trained on nothing else. */
	async function trained() {
		const shop = await open(tinyResNet());
		const size = { width: MAP, height: MAP, fit: "stretch" } as const;
		const { pictures } = await readPictures(shop.calibration, size, 100);
		const image = new Float32Array(pictures.length * 3 * MAP * MAP);
		const area = MAP * MAP;
		for (const [i, { pixels }] of pictures.entries()) {
			// Planes G, B, R as R, G, B.
			for (const [plane, channel] of [1, 2, 0].entries()) {
				for (let k = 0; k < area; k++)
					image[(3 * i + channel) * area + k] = (pixels[plane * area + k] / 255 - 0.5) / 0.5;
			}
		}
		return { pictures, shop: await open(await trainedOn(tinyResNet(), image)) };
	}

	for (const bits of [8, 32] as const) {
		it(`are the prepared model's own averages over the calibration pictures (${bits} bits)`, async () => {
			const { pictures, shop } = await trained();
			await prepare({ ...shop, bits });
			const { source } = await openBundle(shop.out);
			const graph = await written(shop);
			const sums = { sites: new Float64Array(source.sites.length), stem: new Float64Array(source.stem.length) };
			for (let at = 0; at < pictures.length; at += BATCH) {
				const some = pictures.slice(at, at + BATCH).map(({ pixels }) => pixels);
				const found = await forward(graph, Uint8Array.from(some.flatMap((pixels) => [...pixels])), source.affine);
				for (const [name, sum] of Object.entries(sums)) {
					for (const [i, value] of found[name].entries()) sum[i % sum.length] += value / pictures.length;
				}
			}
			assert.ok(distance(sums.sites, source.sites) < 1e-4);
			assert.ok(distance(sums.stem, source.stem) < 1e-4);
		});
	}

	it("are about mean 0 and mean square 1 at norms, on what the network was trained on", async () => {
		const { shop } = await trained();
		const { manifest } = await prepare(shop);
		const { source } = await openBundle(shop.out);
		const S = source.sites.length / 2;
		const [, ...norms] = manifest.sites;
		const start = manifest.sites[0].channels;
		const width = norms.reduce((sum, { channels }) => sum + channels, 0);
		const average = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / width;
		const [means, squares] = [start, S + start].map((from) => source.sites.subarray(from, from + width));
		// A few positions stand for all.
		assert.ok(Math.abs(average(means)) < 0.1, `mean ${average(means)}`);
		assert.ok(Math.abs(average(squares) - 1) < 0.2, `mean square ${average(squares)}`);
	});
});
