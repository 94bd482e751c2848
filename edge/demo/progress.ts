import type { Adapted, Inferred } from "../../operators/types.js";

/** Milliseconds between two lines where the output is not a terminal. */
const LINE_EVERY = 5_000;

/** A line that follows a run: frame rate, present domain, what learning does. Overwritten in a terminal. */
export const openProgress = (output: NodeJS.WriteStream, title: string, total: number) => {
	const started = performance.now();
	let shown = 0;
	const line = ({ frames, knowledge }: Inferred & Partial<Adapted>): string => {
		const done = frames[frames.length - 1].index + 1;
		const { domain, counts, alignment } = knowledge;
		const learning = alignment.some((a) => a !== 0) ? "aligned" : "at the source";
		return [
			`${title} ${String(done).padStart(String(total).length)}/${total}`,
			`${Math.round(done / ((performance.now() - started) / 1e3))} frames/s`,
			...(title === "adapting" ? [`${domain.name} (${domain.status})`, learning, `${counts.steps} steps`] : []),
		].join("  ");
	};
	return {
		show(step: Inferred & Partial<Adapted>): void {
			const now = performance.now();
			if (now - shown < (output.isTTY ? 100 : LINE_EVERY)) return;
			shown = now;
			output.write(output.isTTY ? `\r\x1b[K${line(step)}` : `${line(step)}\n`);
		},
		end: () => output.isTTY && output.write("\r\x1b[K"),
	};
};
