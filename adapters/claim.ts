import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EdgeError } from "../operators/types.js";

const OWNER = "owner";

/**
 * Claims a directory that one process alone may write to, until it is released or this process ends in whatever way.
 * @throws {EdgeError} `bank` while another process has it
 */
export function claim(directory: string): void {
	const file = join(directory, OWNER);
	const [pid, birth] = contents(file).split(" ");
	if (pid && Number(pid) !== process.pid && birth === birthOf(Number(pid)))
		throw new EdgeError("bank", `${directory} is in use by process ${pid}: each acclimate needs a store of its own`);
	try {
		writeFileSync(file, `${process.pid} ${birthOf(process.pid)}`);
	} catch {
		// On a full disk nothing can be claimed, and the daemon goes on for all that.
	}
}

/** Leaves a directory that this process has claimed to others. */
export function release(directory: string): void {
	rmSync(join(directory, OWNER), { force: true });
}

/** What tells a process from a later one of the same number; undefined when it is gone. */
function birthOf(pid: number): string | undefined {
	if (process.platform !== "linux") return isAlive(pid) ? "alive" : undefined;
	// The name in brackets may hold anything; the start is the twentieth field behind it.
	const started = contents(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[19];
	return started && `${contents("/proc/sys/kernel/random/boot_id").trim()}:${started}`;
}

/** Whether there is a process of this number, anybody's. */
export function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

/** A file's text, or nothing where there is none. */
function contents(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return "";
	}
}
