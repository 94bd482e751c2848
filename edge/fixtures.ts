import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { connectAsync, type MqttClient } from "mqtt";
import { type EmbeddedBroker, openEmbeddedBroker } from "../adapters/embeddedBroker.js";
import { openJudge } from "./mqtt/payloads.contract.js";

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

export type TestBroker = EmbeddedBroker;

/**
 * A function that opens a broker, to be closed when the tests of this file, or the one that this is called in, are over. A
 * payload that is published there and is not what its topic's JSON Schema says fails the test.
 */
export const testBroker = (): ((options?: { port?: number; base?: string }) => Promise<TestBroker>) => {
	const opened: TestBroker[] = [];
	after(async () => {
		for (const broker of opened) await broker.close();
	});
	return async ({ port, base } = {}) => {
		const { judge, problems } = openJudge(base);
		const broker = await openEmbeddedBroker(port, (topic, payload) => {
			if (problems.length > 0) return;
			judge(topic, payload);
			// In a turn of its own, so that the broker goes on. An assertion in a hook would keep other hooks from cleaning up.
			if (problems.length > 0) setImmediate(() => assert.deepEqual(problems, []));
		});
		opened.push(broker);
		return broker;
	};
};

interface Heard {
	readonly camera: string;
	readonly channel: string;
	readonly payload: string;
}

/** A consumer of everything below `acclimate/`. */
export class Consumer {
	readonly heard: Heard[] = [];

	constructor(readonly client: MqttClient) {
		client.on("message", (topic, payload) => {
			const [, camera, channel] = topic.split("/");
			this.heard.push({ camera, channel: channel ?? "", payload: String(payload) });
		});
	}

	on(camera: string, channel: string): string[] {
		return this.heard.filter((one) => one.camera === camera && one.channel === channel).map(({ payload }) => payload);
	}

	/** The reasons for which a camera was offline, and "" where it was online, repetitions left out. */
	reasons(camera: string): string[] {
		const all = this.on(camera, "state").map((payload) => JSON.parse(payload).reason ?? "");
		return all.filter((reason, i) => reason !== all[i - 1]);
	}

	/** Frames a second that a camera showed between two moments, dropped ones included. */
	rate(camera: string, from: number, to: number): number {
		const frames = this.on(camera, "predictions")
			.map((payload) => JSON.parse(payload))
			.map(({ frame, capturedAt }) => ({ frame, at: Date.parse(capturedAt) }))
			.filter(({ at }) => at >= from && at <= to);
		const [first, last] = [frames[0], frames[frames.length - 1]];
		return ((last.frame - first.frame) / (last.at - first.at)) * 1000;
	}
}

/** A broker of its own with a consumer of everything, until the test is over. */
export const openConsumed = async () => {
	const broker = await testBroker()();
	const consumer = new Consumer(await connectAsync(broker.url));
	await consumer.client.subscribeAsync("acclimate/#", { qos: 1 });
	after(() => consumer.client.endAsync(true));
	return { url: broker.url, consumer };
};
