import type { Activations, Bundle, Model } from "./types.js";
import type { RawMoments } from "./zoa/moments.js";
import { affinePart, smooth, smoothingOf, unsmoothed } from "./zoa/smoothing.js";
import { rows, type Vector } from "./zoa/vector.js";

/** θ0 [P]: the model as it was prepared, and pictures as they are. */
export const sourceTheta = ({ source }: Bundle): Vector => unsmoothed(source.affine);

/** A pass of pictures [n,3,H,W], which are smoothed as often as θ [P] says. Takes `pixels`, as the model does. */
export const forward = async (
	model: Pick<Model, "bundle" | "forward">,
	pixels: Uint8Array<ArrayBuffer>,
	theta: Vector,
): Promise<Activations> => {
	const { width, height } = model.bundle.manifest.input;
	smooth(pixels, width, height, smoothingOf(theta));
	return model.forward(pixels, affinePart(theta));
};

/** Stems [2,E] of pictures [n,3,H,W], smoothed so often. Takes `pixels`, as the model does. */
export const lookAt = async (
	model: Pick<Model, "bundle" | "look">,
	pixels: Uint8Array<ArrayBuffer>,
	times: number,
): Promise<RawMoments[]> => {
	const { width, height } = model.bundle.manifest.input;
	const count = pixels.length / (3 * width * height);
	smooth(pixels, width, height, times);
	const stems = await model.look(pixels);
	return rows(stems, stems.length / count);
};
