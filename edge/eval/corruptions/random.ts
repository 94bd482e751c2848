/** A source of uniform numbers in [0, 1). */
export type Random = () => number;

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();

/** A source of normal deviates (Box and Muller's, both of each pair). */
export function normals(random: Random): () => number {
	let spare: number | undefined;
	return () => {
		if (spare !== undefined) {
			const deviate = spare;
			spare = undefined;
			return deviate;
		}
		const radius = Math.sqrt(-2 * Math.log(1 - random()));
		const angle = 2 * Math.PI * random();
		spare = radius * Math.sin(angle);
		return radius * Math.cos(angle);
	};
}

/** A Poisson deviate by inversion, whose time grows with the mean: for means of up to a few hundred. */
export function poisson(mean: number, random: Random): number {
	const u = random();
	let count = 0;
	let probability = Math.exp(-mean);
	// Rounding can keep the sum below a u next to 1: what comes after the last term that counts is left out.
	const isLast = () => count > mean && probability < 1e-17;
	for (let sum = probability; u >= sum && !isLast(); sum += probability) probability *= mean / ++count;
	return count;
}

/** One of the two whole numbers next to `value`, so that the mean square is that of `value`; its sign stays. */
export function roundAtRandom(value: number, random: Random): number {
	const size = Math.abs(value);
	const whole = Math.floor(size);
	const isMore = random() < (size ** 2 - whole ** 2) / (2 * whole + 1);
	return Math.sign(value) * (whole + Number(isMore));
}
