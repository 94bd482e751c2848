/** The candidate that a misspelt word most likely meant; undefined where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
	const written = plain(word);
	if (written.length > 64) return undefined;
	let best: string | undefined;
	let least = Math.max(1, Math.floor(written.length / 3)) + 1;
	for (const candidate of candidates) {
		const distance = edits(written, plain(candidate));
		if (distance < least) [best, least] = [candidate, distance];
	}
	return best;
}

/** `clientID`, `client_id` and `client-id` are the same word spelt differently. */
const plain = (word: string): string => word.toLowerCase().replace(/[-_]/g, "");

/** Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment). */
function edits(a: string, b: string): number {
	const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const same = a[i - 1] === b[j - 1];
			row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (same ? 0 : 1));
			const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
			if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
		}
		rows.push(row);
	}
	return rows[a.length][b.length];
}
