/** State of a seeded generator: a 32-bit counter. Passed in and handed back, so that a run repeats to the digit. */
export type RandomState = number;

/**
 * A number from [0,1) and the state after it. The counter walks by an odd constant and is scrambled by two
 * multiply-xorshift rounds ("mulberry32", Tommy Ettinger, public domain).
 */
export const uniform = (state: RandomState): [value: number, next: RandomState] => {
	const next = (state + 0x6d2b79f5) >>> 0;
	let bits = Math.imul(next ^ (next >>> 15), next | 1);
	bits = (bits + Math.imul(bits ^ (bits >>> 7), bits | 61)) ^ bits;
	return [((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32, next];
};

/** `count` numbers from [0,1) and the state after them. */
export const uniforms = (state: RandomState, count: number): [values: Float64Array, next: RandomState] => {
	const values = new Float64Array(count);
	let current = state;
	for (let i = 0; i < count; i++) [values[i], current] = uniform(current);
	return [values, current];
};
