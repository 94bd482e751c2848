import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";

/** Kills a process and waits until it is gone, where it is not gone already. */
export const killed = async (child: ChildProcess | undefined): Promise<void> => {
	if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
	const gone = once(child, "exit");
	child.kill("SIGKILL");
	await gone;
};

/** Process ids of a process's children whose command has a text in it. */
export const childrenOf = async (pid: number, part: string): Promise<number[]> => {
	const found: number[] = [];
	for (const name of await readdir("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const [stat, command] = await Promise.all(
			["stat", "cmdline"].map((file) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")),
		);
		const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1]);
		if (parent === pid && command.includes(part)) found.push(Number(name));
	}
	return found;
};
