import { createServer, type ServerResponse } from "node:http";
import { isIPv6 } from "node:net";
import { Mistake } from "../mistake.js";
import { alive, type Health, ready } from "./health.js";
import { openMetrics } from "./metrics.js";
import type { Vitals } from "./vitals.js";

export interface Address {
	readonly host: string;
	readonly port: number;
}

/** Milliseconds for a request to come in, and for a connection to lie idle. */
const PATIENCE = 5_000;

/**
 * Answers `/healthz`, `/readyz` and `/metrics`; nothing can be set or sent here. Port 0 takes any free one.
 * @throws {Mistake} when the address cannot be listened on
 */
export const openHttp = async (
	{ host, port }: Address,
	vitals: Vitals,
): Promise<{ readonly url: string; close(): Promise<void> }> => {
	const metrics = openMetrics(vitals);
	const pages: Readonly<Record<string, (response: ServerResponse) => void | Promise<void>>> = {
		"/healthz": (response) => tell(response, alive(vitals)),
		"/readyz": (response) => tell(response, ready(vitals)),
		"/metrics": async (response) => answer(response, 200, metrics.contentType, await metrics.metrics()),
	};
	const server = createServer(
		{
			maxHeaderSize: 8 * 1024,
			headersTimeout: PATIENCE,
			requestTimeout: PATIENCE,
			keepAliveTimeout: PATIENCE,
			connectionsCheckingInterval: 1_000,
		},
		({ method, url = "" }, response) => {
			// What would follow the head of a request is not waited for.
			if (method !== "GET") response.setHeader("Connection", "close").setHeader("Allow", "GET");
			const page = Object.hasOwn(pages, url) ? pages[url] : undefined;
			if (method !== "GET") answer(response, 405, TEXT, "only GET is answered\n");
			else if (page) void page(response);
			else answer(response, 404, TEXT, `there are ${Object.keys(pages).join(", ")}\n`);
		},
	);
	server.maxConnections = 32;
	await new Promise<void>((resolve, reject) => {
		server.once("error", (cause) => reject(refused({ host, port }, cause)));
		server.listen(port, host, resolve);
	});
	const bound = server.address() as { port: number };
	return {
		url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound.port}`,
		close: () =>
			new Promise((done) => {
				server.close(() => done());
				server.closeAllConnections();
			}),
	};
};

const TEXT = "text/plain; charset=utf-8";

const tell = (response: ServerResponse, { ok, because }: Health): void =>
	answer(response, ok ? 200 : 503, "application/json", `${JSON.stringify({ ok, ...because })}\n`);

const answer = (response: ServerResponse, status: number, type: string, body: string): void =>
	void response
		.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" })
		.end(body);

const refused = ({ host, port }: Address, cause: NodeJS.ErrnoException): Error => {
	const reasons: Readonly<Record<string, string>> = {
		EADDRINUSE: "is in use by another program: stop it, or choose another port",
		EADDRNOTAVAIL: "is no address of this machine: 127.0.0.1 is, and 0.0.0.0 stands for all",
		EACCES: "may not be used by this user: choose a port above 1023",
	};
	return new Mistake(
		`http.listen: ${host}:${port} ${reasons[cause.code ?? ""] ?? `cannot be used (${cause.message})`}`,
	);
};
