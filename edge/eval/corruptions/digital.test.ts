import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCanvas, ImageData, loadImage } from "@napi-rs/canvas";
import type { Image } from "../image.js";
import { randomOf } from "../random.js";
import { contrast, elastic, pixelate } from "./digital.js";
import { distance, draw, flat, mean, scene, shrunk } from "./fixtures.js";
import { jpeg } from "./jpeg.js";

const picture = scene(64, 64, 1);
const AREA = 64 * 64;

describe("contrast", () => {
	it("keeps the mean of each channel and the published share of the rest", () => {
		const { data } = contrast.apply(picture, 3, randomOf(1));
		for (let c = 0; c < 3; c++) {
			const [before, after] = [picture.data, data].map((d) => d.subarray(c * AREA, (c + 1) * AREA));
			assert.ok(Math.abs(mean(before) - mean(after)) < 1e-5);
			assert.ok(Math.abs(after[7] - mean(after) - 0.2 * (before[7] - mean(before))) < 1e-5);
		}
	});
});

describe("pixelate", () => {
	it("shows means of blocks", () => {
		const blocky = pixelate.apply(picture, 5, randomOf(1));
		const small = shrunk(picture, 4);
		for (let y = 0; y < 64; y++) {
			for (let x = 0; x < 64; x++) {
				const expected = small.data[Math.floor(y / 4) * 16 + Math.floor(x / 4)];
				assert.ok(Math.abs(blocky.data[y * 64 + x] - expected) < 1e-5);
			}
		}
	});

	it("has blocks of two sizes where they do not fit", () => {
		const columns = draw(64, 64, (u) => [u, u, u]);
		const { data } = pixelate.apply(columns, 1, randomOf(1));
		assert.equal(new Set(data.subarray(0, 64)).size, Math.floor(64 * 0.6));
	});
});

describe("elastic", () => {
	/** How far the pixels of a row or column come from, in pixels: a slope shows it. */
	const displacement = (side: number, severity: 3 | 5) => {
		const slope = draw(side, side, (u) => [u, u, u]);
		const moved = elastic.apply(slope, severity, randomOf(4));
		const inner = { from: Math.floor(side / 4), to: Math.floor((3 * side) / 4) };
		let sum = 0;
		for (let y = inner.from; y < inner.to; y++) {
			for (let x = inner.from; x < inner.to; x++) {
				// Between neighbours, so that the affine map does not count.
				const [left, middle, right] = [-1, 0, 1].map((d) => moved.data[y * side + x + d] * side);
				sum += (middle - (left + right) / 2) ** 2;
			}
		}
		return Math.sqrt(sum) / (inner.to - inner.from);
	};

	it("moves pixels further with each small severity", () => {
		assert.ok(displacement(224, 5) > 1.5 * displacement(224, 3));
		assert.ok(displacement(224, 3) > 0.02);
	});

	it("leaves a picture of one colour alone", () => {
		const grey = flat(64, 48, 0.3);
		assert.ok(distance(elastic.apply(grey, 2, randomOf(1)), grey) < 1e-10);
	});
});

describe("jpeg", () => {
	it("does what a real encoder and decoder do", async () => {
		for (const severity of [1, 3, 5] as const) {
			const quality = [25, 18, 15, 10, 7][severity - 1];
			const [ours, theirs] = [jpeg.apply(picture, severity, randomOf(1)), await throughFile(picture, quality)];
			assert.ok(distance(ours, theirs) < 0.06 * distance(theirs, picture), `quality ${quality}`);
		}
	});

	it("loses fine detail first", () => {
		const compressed = jpeg.apply(picture, 1, randomOf(1));
		const coarse = distance(shrunk(compressed, 8), shrunk(picture, 8));
		assert.ok(coarse < 0.1 * distance(compressed, picture));
	});
});

/** A picture written and read by the library that browsers use. */
async function throughFile({ width, height, data }: Image, quality: number): Promise<Image> {
	const canvas = createCanvas(width, height);
	const context = canvas.getContext("2d");
	const area = width * height;
	const bytes = new ImageData(width, height);
	for (let i = 0; i < area; i++) {
		for (let c = 0; c < 3; c++) bytes.data[4 * i + c] = Math.round(255 * data[c * area + i]);
		bytes.data[4 * i + 3] = 255;
	}
	context.putImageData(bytes, 0, 0);
	context.drawImage(await loadImage(await canvas.encode("jpeg", quality)), 0, 0);
	const read = context.getImageData(0, 0, width, height).data;
	return {
		width,
		height,
		data: Float32Array.from({ length: 3 * area }, (_, i) => read[4 * (i % area) + Math.floor(i / area)] / 255),
	};
}
