import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mistake } from "../mistake.js";

/** Pictures of one size on disk: a stream of thousands of frames does not fit into memory at every size. */
export interface Reel {
	readonly length: number;
	push(pixels: Uint8Array): Promise<void>;
	/** The pictures from one place on, as many as asked for or as there are. */
	read(from: number, count: number): Promise<Uint8Array[]>;
	close(): Promise<void>;
}

/**
 * Begins a reel in the folder for temporary files.
 * @param size bytes of a picture
 * @throws {Mistake} there, or when pushing, where the disk refuses
 */
export async function openReel(size: number): Promise<Reel> {
	const refused = (cause: NodeJS.ErrnoException): never => {
		throw new Mistake(
			`${tmpdir()}: frames cannot be kept there (${cause.code}); TMPDIR names another folder for temporary files`,
			{ cause },
		);
	};
	const folder = await mkdtemp(join(tmpdir(), "acclimate-reel-")).catch(refused);
	const file = await open(join(folder, "frames.raw"), "w+").catch(refused);
	// The file lasts as long as it is open, so that nothing is left behind however the process ends.
	await rm(folder, { recursive: true });
	let length = 0;
	return {
		get length() {
			return length;
		},
		async push(pixels) {
			if (pixels.length !== size) throw new Error(`a picture of ${pixels.length} bytes on a reel of ${size}`);
			await file.write(pixels, 0, size, length * size).catch(refused);
			length++;
		},
		async read(from, count) {
			const found = Math.max(0, Math.min(count, length - from));
			const bytes = new Uint8Array(found * size);
			if (found > 0) await file.read(bytes, 0, bytes.length, from * size);
			return Array.from({ length: found }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
		},
		close: () => file.close(),
	};
}
