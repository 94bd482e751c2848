import { type AddressInfo, createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { EdgeError } from "../operators/types.js";

export interface EmbeddedBroker {
	readonly url: string;
	close(): Promise<void>;
}

type OnPublish = (topic: string, payload: string) => void;

/**
 * Starts an MQTT broker inside this process, reachable from this machine only; port 0 takes any free one.
 * @param onPublish told of every message that a client publishes, its last will included
 * @throws {EdgeError} `broker` when the port is taken
 */
export async function openEmbeddedBroker(port = 0, onPublish?: OnPublish): Promise<EmbeddedBroker> {
	const aedes = await Aedes.createBroker();
	aedes.on("publish", ({ topic, payload }) => {
		if (!topic.startsWith("$SYS/")) onPublish?.(topic, String(payload));
	});
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket.on("close", () => sockets.delete(socket)));
		aedes.handle(socket);
	});
	try {
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject).listen(port, "127.0.0.1", resolve);
		});
	} catch (cause) {
		await new Promise<void>((done) => aedes.close(done));
		throw new EdgeError("broker", `port ${port} of this machine cannot be used: ${(cause as Error).message}`, {
			cause,
		});
	}
	return {
		url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
		async close() {
			const closed = new Promise<void>((done) => server.close(() => done()));
			await new Promise<void>((done) => aedes.close(done));
			for (const socket of sockets) socket.destroy();
			await closed;
		},
	};
}
