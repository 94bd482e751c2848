import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { openFaultyProxy } from "../../adapters/faulty-proxy.js";
import { killed } from "./processes.js";

/** Why there can be no broker on this machine, or false. */
export const noMosquitto: string | false =
	spawnSync("mosquitto", ["-h"]).error === undefined ? false : "mosquitto is not installed";

/** mosquitto, which consumers reach directly and the daemon through a proxy that misbehaves. It forgets all when it ends. */
export class Broker {
	#child: ChildProcess | undefined;

	private constructor(
		readonly port: number,
		readonly proxy: Awaited<ReturnType<typeof openFaultyProxy>>,
	) {}

	static async open(): Promise<Broker> {
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		await new Promise((done) => server.close(done));
		const broker = new Broker(port, await openFaultyProxy(`mqtt://127.0.0.1:${port}`));
		broker.start();
		return broker;
	}

	get url(): string {
		return `mqtt://127.0.0.1:${this.port}`;
	}

	start(): void {
		this.#child = spawn("mosquitto", ["-p", String(this.port)], { stdio: "ignore" });
	}

	async kill(): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		await killed(child);
	}

	async close(): Promise<void> {
		await this.proxy.close();
		await this.kill();
	}
}
