import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * `pass`: a wire. `refuse`: nobody listens. `reset`: every connection is reset. `black hole`: connections stand and
 * accept bytes, but none arrives anywhere; those made before or during it stay dead when it is over.
 */
export type Fault = "pass" | "refuse" | "reset" | "black hole";

/** A TCP proxy between a client and a server, for tests of what happens when the network misbehaves. */
export async function openFaultyProxy(target: string): Promise<{
	readonly url: string;
	set(fault: Fault): Promise<void>;
	close(): Promise<void>;
}> {
	const { hostname, port, protocol } = new URL(target);
	let fault: Fault = "pass";
	const sockets = new Set<Socket>();
	const accept = (inner: Socket) => {
		track(inner);
		if (fault === "reset") inner.resetAndDestroy();
		else if (fault === "black hole") inner.resume();
		else {
			const outer = track(connect(Number(port), hostname));
			inner.pipe(outer).pipe(inner);
			inner.on("close", () => outer.destroy());
			outer.on("close", () => inner.destroy());
		}
	};
	const track = (socket: Socket) => {
		sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
		return socket;
	};
	const listen = (at: number) =>
		new Promise<Server>((resolve, reject) => {
			const server = createServer(accept);
			server.once("error", reject).listen(at, "127.0.0.1", () => resolve(server));
		});
	const reset = () => {
		for (const socket of sockets) socket.resetAndDestroy();
	};
	const stop = () => new Promise<void>((done) => (server.listening ? server.close(() => done()) : done()));

	let server = await listen(0);
	const own = (server.address() as AddressInfo).port;
	return {
		url: `${protocol}//127.0.0.1:${own}`,
		async set(next) {
			fault = next;
			if (next === "refuse" || next === "reset") reset();
			if (next === "black hole") {
				for (const socket of sockets) socket.unpipe().removeAllListeners("close").resume();
			}
			if (next === "refuse") await stop();
			else if (!server.listening) server = await listen(own);
		},
		async close() {
			reset();
			await stop();
		},
	};
}
