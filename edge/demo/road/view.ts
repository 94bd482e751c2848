import { camera } from "./camera.js";
import type { Light } from "./paint.js";
import { between, type Random } from "./random.js";
import { unit } from "./vector.js";

/** Frames are this large, and come this fast. */
export const WIDTH = 320;
export const HEIGHT = 240;
export const FPS = 12.5;

/** The square of the frame that is classified: x, y, width, height. */
export const REGION = [80, 40, 160, 160] as const;

/** Pictures are drawn this much larger and scaled down, as a lens and a sensor would. */
export const OVERSAMPLING = 2;

/** The road camera: above the near side, looking back at the traffic, so that it comes from the upper left. */
export const VIEW = camera(
	[13, -15, 15],
	[0, 0.2, 0.9],
	415 * OVERSAMPLING,
	WIDTH * OVERSAMPLING,
	HEIGHT * OVERSAMPLING,
);

/** The road itself is the same in the clip and in the training crops; only what drives on it differs. */
export const ROAD_SEED = 7;

/** A calibrated daytime camera's light, a little different each time. */
export const daylight = (random: Random): Light => ({
	sun: unit([-0.34 + between(random, -0.06, 0.06), -0.4, 0.85]),
	direct: between(random, 0.46, 0.58),
	sky: between(random, 0.56, 0.64),
});
