/** A table for a terminal: the first column to the left, the others to the right unless they hold words. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
	const numeric = head.map((_, i) => i > 0 && rows.every((row) => /^[−+\d.×%\s]*$/.test(row[i])));
	const line = (row: readonly string[]) =>
		row
			.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
			.join("  ")
			.trimEnd();
	return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
};
