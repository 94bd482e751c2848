import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ffmpegPath } from "./ffmpeg.js";

// What the tests of the adapters have in common.

/** A directory that is gone when the tests of this file are over. */
export function temporaryDirectory(): string {
	const directory = mkdtempSync(join(tmpdir(), "acclimate-"));
	after(() => rmSync(directory, { recursive: true, force: true }));
	return directory;
}

/** Makes a clip with ffmpeg: `output` gets what `arguments_` describe. */
export async function makeClip(output: string, ...arguments_: readonly string[]): Promise<string> {
	await promisify(execFile)(ffmpegPath(), ["-v", "error", "-nostdin", "-y", ...arguments_, output]);
	return output;
}

/** A file among the data that do not belong to the repository (ACCLIMATE_SHARED, else `shared` beside it), or undefined. */
export function sharedFile(name: string): string | undefined {
	const shared = process.env.ACCLIMATE_SHARED ?? join(dirname(repository()), "shared");
	const path = join(shared, "data", name);
	return existsSync(path) ? path : undefined;
}

function repository(): string {
	for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
		const description = join(directory, "package.json");
		if (existsSync(description) && JSON.parse(readFileSync(description, "utf8")).name === "acclimate") return directory;
		if (directory === dirname(directory)) throw new Error("the tests are not inside the repository");
	}
}

/** How often, how long: the short form, or the long one that `npm run test:long` asks for. */
export function many({ short, long }: { readonly short: number; readonly long: number }): number {
	return process.env.ACCLIMATE_TEST === "long" ? long : short;
}

/** Resolves when `condition` holds; fails after `limit` milliseconds. */
export async function eventually(condition: () => boolean, limit = 5000): Promise<void> {
	const end = performance.now() + limit;
	while (!condition()) {
		if (performance.now() > end) throw new Error(`not within ${limit} ms: ${condition}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
