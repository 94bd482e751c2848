import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

// What the tests of the command line have in common.

export const main = fileURLToPath(new URL("main.js", import.meta.url));

export interface Ended {
	readonly code: number | null;
	readonly out: string;
	readonly err: string;
	readonly seconds: number;
}

export interface Started {
	readonly child: ChildProcess;
	readonly ended: Promise<Ended>;
	/** What it has said on stderr so far. */
	readonly err: () => string;
}

/** A function that starts `acclimate` in `folder`; whatever still runs when the tests of this file are over is killed. */
export const starter = (folder: string, env: NodeJS.ProcessEnv = {}): ((...args: string[]) => Started) => {
	const children: ChildProcess[] = [];
	after(() => {
		for (const child of children) child.kill("SIGKILL");
	});
	return (...args) => {
		const began = performance.now();
		const child = spawn(process.execPath, [main, ...args], {
			cwd: folder,
			env: { ...process.env, ...env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		children.push(child);
		let out = "";
		let err = "";
		child.stdout.setEncoding("utf8").on("data", (text) => {
			out += text;
		});
		child.stderr.setEncoding("utf8").on("data", (text) => {
			err += text;
		});
		const ended = once(child, "close").then(([code]) => ({
			code,
			out,
			err,
			seconds: (performance.now() - began) / 1e3,
		}));
		return { child, ended, err: () => err };
	};
};

/** A port of this machine that nobody listens on now. */
export const freePort = async (): Promise<number> => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	await new Promise((done) => server.close(done));
	return port;
};
