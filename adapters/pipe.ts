/** Cuts a stream of chunks into arrays of `size` bytes. */
export function cutter(
	size: number,
	emit: (frame: Uint8Array) => void,
): { push(chunk: Uint8Array): void; rest(): number } {
	let frame = new Uint8Array(size);
	let filled = 0;
	return {
		push(chunk) {
			for (let at = 0; at < chunk.length; ) {
				const part = chunk.subarray(at, at + size - filled);
				frame.set(part, filled);
				at += part.length;
				filled += part.length;
				if (filled === size) {
					emit(frame);
					frame = new Uint8Array(size);
					filled = 0;
				}
			}
		},
		rest: () => filled,
	};
}

/**
 * Pictures of three planes that stand one below the other, `count` of them, as pictures of their own. One is given out as
 * it is.
 */
export function unstacked(stack: Uint8Array, count: number): readonly Uint8Array[] {
	if (count === 1) return [stack];
	const plane = stack.length / 3 / count;
	return Array.from({ length: count }, (_, i) => {
		const picture = new Uint8Array(3 * plane);
		for (let channel = 0; channel < 3; channel++) {
			const at = (channel * count + i) * plane;
			picture.set(stack.subarray(at, at + plane), channel * plane);
		}
		return picture;
	});
}

/** Keeps the last `limit` lines of what a program says, each cut to 500 characters. */
export function lastLines(limit: number): { push(text: string): void; lines(): readonly string[] } {
	let lines: string[] = [];
	let open = "";
	return {
		push(text) {
			const parts = (open + text).split(/\r?\n|\r/);
			open = (parts.pop() ?? "").slice(0, 500);
			lines = [...lines, ...parts.filter((line) => line !== "").map((line) => line.slice(0, 500))].slice(-limit);
		},
		lines: () => (open === "" ? lines : [...lines, open]),
	};
}
