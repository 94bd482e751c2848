import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Summary } from "../run.js";
import type { Tally } from "../watch.js";
import { childrenOf, killed } from "./processes.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));

/** Milliseconds that a daemon may take to end. */
const LONGEST_FAREWELL = 5_000;

/** The daemon under test: one process after another, on one configuration. What they counted is added up. */
export class Daemon {
	readonly tallies = new Map<string, Tally>();
	/** What was wrong with the way a process ended, one sentence each. */
	readonly faults: string[] = [];
	runs = 0;
	/** KiB of memory that the largest process has had at most. */
	peak = 0;
	#child: ChildProcess | undefined;
	#output = "";
	readonly #log: WriteStream;

	constructor(
		readonly folder: string,
		readonly file: string,
		log: string,
	) {
		this.#log = createWriteStream(log);
	}

	get pid(): number {
		if (this.#child?.pid === undefined) throw new Error("the daemon does not run");
		return this.#child.pid;
	}

	start(): void {
		this.runs++;
		this.#output = "";
		const child = spawn(MAIN, ["run", this.file], {
			cwd: this.folder,
			stdio: ["ignore", "pipe", "pipe"],
		});
		child.stdout.setEncoding("utf8").on("data", (text) => {
			this.#output += text;
		});
		child.stderr.pipe(this.#log, { end: false });
		child.once("exit", (code, signal) => {
			if (this.#child === child) this.faults.push(`the daemon ended by itself (${signal ?? code})`);
		});
		this.#child = child;
	}

	/** Ends the process as a service manager does, and adds up what it says at its end. */
	async stop(): Promise<void> {
		const child = this.#child;
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
		await this.#measure();
		this.#child = undefined;
		const told = performance.now();
		child.kill("SIGTERM");
		const [code] = await once(child, "close");
		const took = Math.round(performance.now() - told);
		if (code !== 0) this.faults.push(`it ended with ${code} after SIGTERM`);
		if (took > LONGEST_FAREWELL) this.faults.push(`it took ${took} ms to end`);
		const { cameras }: Summary = JSON.parse(this.#output.trimEnd().split("\n").at(-1) ?? "");
		for (const [name, tally] of Object.entries(cameras)) this.tallies.set(name, plus(this.tallies.get(name), tally));
	}

	/** Has the configuration read again. */
	reload(): void {
		process.kill(this.pid, "SIGHUP");
	}

	async #measure(): Promise<void> {
		const status = await readFile(`/proc/${this.pid}/status`, "utf8");
		this.peak = Math.max(this.peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]));
	}

	/** For the soak's own end in disorder. */
	async kill(): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		await killed(child);
	}

	/** Process ids of the ffmpeg that reads a source, by a part of its arguments. */
	ffmpegOf(part: string): Promise<number[]> {
		return childrenOf(this.pid, part);
	}
}

const plus = (a: Tally | undefined, b: Tally): Tally => ({
	...b,
	frames: (a?.frames ?? 0) + b.frames,
	predictions: (a?.predictions ?? 0) + b.predictions,
	dropped: (a?.dropped ?? 0) + b.dropped,
	failed: (a?.failed ?? 0) + b.failed,
});
