import { copyFile, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { noRtspServer, type RtspServer, startRtspServer } from "../../adapters/rtspServer.js";
import { bundled } from "../paths.js";
import { Broker } from "./broker.js";
import { Consumer } from "./consumer.js";
import { Daemon } from "./daemon.js";
import { Disk } from "./disk.js";

/** Milliseconds after which a source without frames counts as gone. */
const STALL = 3_000;

/** Everything that a soak is made of: a daemon with its cameras, a broker that misbehaves, and a consumer. */
export interface Scene {
	readonly folder: string;
	/** The clip of the camera `road`, which can be taken away. */
	readonly clip: string;
	readonly broker: Broker;
	readonly consumer: Consumer;
	readonly daemon: Daemon;
	readonly cameras: readonly string[];
	/** What the daemon's store lies on, where one can be had that may be filled. */
	readonly disk: Disk | undefined;
	/** The server of the camera `gate`, where one can be had. */
	rtsp: RtspServer | undefined;
	/** Replaces the configuration; `extra` lines are further cameras. */
	configure(extra?: string): Promise<void>;
	close(): Promise<void>;
}

export const setScene = async (): Promise<Scene> => {
	const folder = await mkdtemp(join(tmpdir(), "acclimate-soak-"));
	const disk = await Disk.mount(join(folder, "store"));
	const clip = join(folder, "road.mp4");
	await copyFile(bundled.clip, clip);
	const broker = await Broker.open();
	const rtsp = noRtspServer ? undefined : await startRtspServer();
	const gate = rtsp ? `"rtsp://127.0.0.1:${rtsp.port}/cam"` : '"test:"';
	const file = join(folder, "soak.yaml");
	const configure = (extra = "") =>
		writeFile(
			file,
			`mqtt: { url: "${broker.proxy.url}" }
store: ./store
cameras:
  road: { source: { file: road.mp4, loop: true, pace: realtime }, region: [80, 40, 160, 160], stall: ${STALL}ms }
  gate: { source: ${gate}, fps: 10, stall: ${STALL}ms }
  yard: { source: "test:", fps: 10, stall: ${STALL}ms }
${extra}`,
		);
	await configure();
	const consumer = new Consumer();
	const daemon = new Daemon(folder, file, join(folder, "daemon.log"));
	const scene: Scene = {
		folder,
		clip,
		broker,
		consumer,
		daemon,
		cameras: ["road", "gate", "yard"],
		disk,
		rtsp,
		configure,
		async close() {
			await daemon.kill();
			await consumer.disconnect();
			await scene.rtsp?.stop();
			await broker.close();
			disk?.unmount();
		},
	};
	// mosquitto takes a moment until it listens.
	for (let attempt = 0; ; attempt++)
		try {
			await consumer.connect(broker.url);
			break;
		} catch (error) {
			if (attempt === 50) throw error;
			await sleep(100);
		}
	daemon.start();
	return scene;
};
