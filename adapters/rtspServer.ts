import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

// Debian's interpreter: another one on the PATH would not have GStreamer's bindings.
const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("../../adapters/rtsp-server.py", import.meta.url));

export interface RtspServer {
	readonly port: number;
	/** Holds the process where it is: connections stay open and silent. */
	pause(): void;
	resume(): void;
	stop(): Promise<void>;
}

/** Why there can be no RTSP server on this machine, or false. */
export const noRtspServer: string | false =
	spawnSync(PYTHON, ["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]).status === 0
		? false
		: "GStreamer's RTSP server is not installed";

/** Starts GStreamer's RTSP server as `startRtspServer` does, until `stop` or the tests' end. */
export async function openRtspServer(...args: readonly string[]): Promise<RtspServer> {
	const server = await startRtspServer(...args);
	after(server.stop);
	return server;
}

/** Starts GStreamer's RTSP server with the arguments that rtsp-server.py names, until `stop`. */
export async function startRtspServer(...args: readonly string[]): Promise<RtspServer> {
	const child = spawn(PYTHON, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "ignore"] });
	const stop = () => stopped(child);
	const [port] = await once(child.stdout.setEncoding("utf8"), "data");
	return {
		port: Number(port),
		pause: () => void child.kill("SIGSTOP"),
		resume: () => void child.kill("SIGCONT"),
		stop,
	};
}

async function stopped(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const exited = once(child, "exit");
	child.kill("SIGKILL");
	await exited;
}
