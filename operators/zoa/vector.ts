/**
 * Arithmetic on whole arrays: the only file of the maths that counts indices. Sums are taken in float64. In loops, since what
 * every frame goes through would take a multiple of the time in `map`, `reduce` and `from` of typed arrays.
 */

export type Vector = Float32Array;

/** A run of consecutive entries of a vector. */
export interface Span {
	readonly offset: number;
	readonly length: number;
}

export const zeros = (length: number): Vector => new Float32Array(length);

/** x + k·y, elementwise. */
export const plus = (x: Vector, y: Vector, k = 1): Vector => {
	const sum = new Float32Array(x.length);
	for (let i = 0; i < x.length; i++) sum[i] = x[i] + k * y[i];
	return sum;
};

/** x − y, elementwise. */
export const minus = (x: Vector, y: Vector): Vector => plus(x, y, -1);

/** Moves `average` toward `value` by the share `weight`: (1 − weight)·average + weight·value. */
export const toward = (average: Vector, value: Vector, weight: number): Vector => {
	const next = new Float32Array(average.length);
	for (let i = 0; i < next.length; i++) next[i] = (1 - weight) * average[i] + weight * value[i];
	return next;
};

/** Σ_k weights_k · vectors_k. */
export const combination = (weights: ArrayLike<number>, vectors: readonly Vector[]): Vector => {
	const sum = new Float64Array(vectors[0].length);
	vectors.forEach((vector, k) => {
		const weight = weights[k];
		if (weight !== 0) for (let i = 0; i < sum.length; i++) sum[i] += weight * vector[i];
	});
	return new Float32Array(sum);
};

export const dot = (x: Vector, y: Vector, { offset, length }: Span = { offset: 0, length: x.length }): number => {
	let sum = 0;
	for (let i = offset; i < offset + length; i++) sum += x[i] * y[i];
	return sum;
};

export const norm = (x: Vector, span?: Span): number => Math.sqrt(dot(x, x, span));

/** mean |x| over a span. */
export const meanMagnitude = (x: Vector, { offset, length }: Span): number => {
	let sum = 0;
	for (let i = offset; i < offset + length; i++) sum += Math.abs(x[i]);
	return sum / length;
};

/** mean (x − y)² over a span. */
export const meanSquaredDifference = (x: Vector, y: Vector, { offset, length }: Span): number => {
	let sum = 0;
	for (let i = offset; i < offset + length; i++) sum += (x[i] - y[i]) ** 2;
	return sum / length;
};

/** Cosine of the angle between two vectors over a span; 0 where one of them vanishes. */
export const cosine = (x: Vector, y: Vector, span: Span): number =>
	dot(x, y, span) / Math.max(norm(x, span) * norm(y, span), 1e-8);

/** exp(k·x) / Σ exp(k·x). */
export const softmax = (x: Vector, k = 1): Vector => {
	let largest = Number.NEGATIVE_INFINITY;
	for (let i = 0; i < x.length; i++) largest = Math.max(largest, x[i]);
	const powers = new Float64Array(x.length);
	let sum = 0;
	for (let i = 0; i < x.length; i++) {
		powers[i] = Math.exp(k * (x[i] - largest));
		sum += powers[i];
	}
	const shares = new Float32Array(x.length);
	for (let i = 0; i < x.length; i++) shares[i] = powers[i] / sum;
	return shares;
};

/** −Σ p·ln p in nats. */
export const entropy = (probabilities: Vector): number =>
	probabilities.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);

/** Index of the largest entry, the first of equals. */
export const argmax = (x: ArrayLike<number>): number => {
	let best = 0;
	for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
	return best;
};

/** The rows of a row-major matrix, as views. */
export const rows = (matrix: Vector, width: number): Vector[] =>
	Array.from({ length: matrix.length / width }, (_, i) => matrix.subarray(i * width, (i + 1) * width));

/** W·x for a row-major W of x.length columns. */
export const product = (matrix: Vector, x: Vector): Vector =>
	Float32Array.from(rows(matrix, x.length), (row) => dot(row, x));

/** Mean of the rows and their unbiased deviation, column by column. */
export const columnStatistics = (matrix: readonly Vector[]): { mean: Vector; deviation: Vector } => {
	const [n, width] = [matrix.length, matrix[0].length];
	const mean = new Float64Array(width);
	for (const row of matrix) for (let i = 0; i < width; i++) mean[i] += row[i] / n;
	const squares = new Float64Array(width);
	for (const row of matrix) for (let i = 0; i < width; i++) squares[i] += (row[i] - mean[i]) ** 2;
	return {
		mean: new Float32Array(mean),
		deviation: Float32Array.from(squares, (sum) => Math.sqrt(sum / Math.max(n - 1, 1))),
	};
};

/** Whether all entries are the same. */
export const equal = (x: Vector, y: Vector): boolean => {
	for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
	return true;
};

/** Whether a vector is equal to `y`, each one looked at once: the frames of a batch share theirs. */
export const equalTo = (y: Vector): ((x: Vector) => boolean) => {
	const known = new Map<Vector, boolean>();
	return (x) => {
		const is = known.get(x) ?? equal(x, y);
		known.set(x, is);
		return is;
	};
};

/** Whether all entries are 0. */
export const isZero = (x: Vector): boolean => {
	for (let i = 0; i < x.length; i++) if (x[i] !== 0) return false;
	return true;
};

export const allFinite = (x: Vector): boolean => {
	for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) return false;
	return true;
};
