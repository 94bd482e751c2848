import type { Mix } from "./mix.js";
import { inserted, removed, similarity } from "./remember.js";
import { argmax, type Span, type Vector, zeros } from "./vector.js";

/**
 * The published way to find the entry to evict: a bank × bank matrix of which each insertion fills only the newest
 * entry's column and which nothing clears or moves when an entry goes, so that the same slot is evicted again and
 * again (zoa.md, "Where the published code is odd"). Kept for `method: zoa-reference`.
 */
export const emptySimilarities = (bank: number): Vector => zeros(bank * bank);

/** Remembers what is learned now; from a full bank the entry the matrix points at goes first. Counted from 1. */
export const rememberedAsPublished = (
	mix: Mix,
	similarities: Vector,
	bank: number,
	spans: readonly Span[],
): { mix: Mix; similarities: Vector; evicted: number | undefined } => {
	const full = mix.vectors.length - 1 >= bank;
	const flat = argmax(similarities);
	const evicted = full ? Math.min(Math.floor(flat / bank), flat % bank) + 1 : undefined;
	const grown = inserted(evicted === undefined ? mix : removed(mix, evicted), spans);
	const newest = grown.vectors.length - 1;
	const matrix = similarities.slice();
	for (let j = 1; j < newest; j++)
		matrix[(j - 1) * bank + newest - 1] = similarity(grown.vectors[j], grown.vectors[newest], spans);
	matrix[(newest - 1) * bank + newest - 1] = 0;
	return { mix: grown, similarities: matrix, evicted };
};
