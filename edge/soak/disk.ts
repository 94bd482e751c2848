import { spawnSync } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/** MiB: a few times what a soak stores. */
const SIZE = 64;

/** A small file system in memory. */
export class Disk {
	private constructor(readonly directory: string) {}

	/** Undefined where nobody may mount one: it takes a root user and, in a container, its leave. */
	static async mount(directory: string): Promise<Disk | undefined> {
		await mkdir(directory);
		const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}m`, "acclimate-soak", directory]);
		return status === 0 ? new Disk(directory) : undefined;
	}

	get #filler(): string {
		return join(this.directory, "filler");
	}

	/** Takes all the room that there is. */
	async fill(): Promise<void> {
		const file = await open(this.#filler, "w");
		const part = Buffer.alloc(64 * 1024);
		try {
			for (;;) await file.write(part);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
		} finally {
			await file.close();
		}
	}

	async empty(): Promise<void> {
		await rm(this.#filler, { force: true });
	}

	unmount(): void {
		// Lazily: the daemon's ffmpeg may outlive it by a moment.
		spawnSync("umount", ["--lazy", this.directory]);
	}
}
