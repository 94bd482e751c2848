import type { Activations } from "./types.js";

type PerFrame = Exclude<keyof Activations, "frames">;

/** Some of the frames of a pass, by their places in it. */
export const chosen = (activations: Activations, places: readonly number[]): Activations => {
	const part = (all: Float32Array) => {
		const width = all.length / activations.frames;
		const values = new Float32Array(width * places.length);
		for (const [i, place] of places.entries()) values.set(all.subarray(place * width, (place + 1) * width), i * width);
		return values;
	};
	return { frames: places.length, ...mapped((name) => part(activations[name])) };
};

/** Passes over parts of a batch as one over all of it; each part's frames have those places in the batch. */
export const gathered = (
	parts: readonly { readonly places: readonly number[]; readonly activations: Activations }[],
): Activations => {
	const frames = parts.reduce((sum, { places }) => sum + places.length, 0);
	const whole = (name: PerFrame) => {
		const width = parts[0].activations[name].length / parts[0].places.length;
		const values = new Float32Array(width * frames);
		for (const { places, activations } of parts)
			for (const [i, place] of places.entries())
				values.set(activations[name].subarray(i * width, (i + 1) * width), place * width);
		return values;
	};
	return { frames, ...mapped(whole) };
};

const mapped = (of: (name: PerFrame) => Float32Array): Omit<Activations, "frames"> => ({
	logits: of("logits"),
	features: of("features"),
	taps: of("taps"),
	stem: of("stem"),
	sites: of("sites"),
});
