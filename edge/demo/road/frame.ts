import { type Canvas, createCanvas } from "@napi-rs/canvas";
import { type Light, paint, shade } from "./paint.js";
import type { Present } from "./traffic.js";
import { HEIGHT, VIEW, WIDTH } from "./view.js";

/** Returns the painter of frames: vehicles over the empty road, scaled down, as RGBA bytes. */
export const painter = (empty: Canvas): ((vehicles: readonly Present[], light: Light) => Uint8ClampedArray) => {
	const large = createCanvas(VIEW.width, VIEW.height).getContext("2d");
	const small = createCanvas(WIDTH, HEIGHT).getContext("2d");
	small.imageSmoothingEnabled = true;
	small.imageSmoothingQuality = "medium";
	return (vehicles, light) => {
		large.drawImage(empty, 0, 0);
		for (const { solids } of vehicles) shade(large, solids, VIEW, light);
		for (const { solids } of vehicles) paint(large, solids, VIEW, light);
		small.drawImage(large.canvas, 0, 0, WIDTH, HEIGHT);
		return small.getImageData(0, 0, WIDTH, HEIGHT).data;
	};
};
