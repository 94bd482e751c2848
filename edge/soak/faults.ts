import { rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { startRtspServer } from "../../adapters/rtspServer.js";
import type { Scene } from "./scene.js";

/** One thing that befalls a device in the field. */
export interface Fault {
	readonly name: string;
	/** Lets it happen for about `hold` milliseconds, and ends it. */
	strike(scene: Scene, hold: number): Promise<void>;
	/** Why it cannot happen on this machine. */
	impossible?(scene: Scene): string | undefined;
}

const network = (name: string, fault: "refuse" | "reset" | "black hole"): Fault => ({
	name,
	async strike({ broker }, hold) {
		await broker.proxy.set(fault);
		await sleep(hold);
		await broker.proxy.set("pass");
	},
});

/** Sends a signal to the ffmpeg of the camera `road`, and says whether there was one. */
const toFfmpeg = async ({ daemon, clip }: Scene, signal: NodeJS.Signals): Promise<void> => {
	const pids = await daemon.ffmpegOf(clip);
	if (pids.length === 0) throw new Error("no ffmpeg reads the clip");
	for (const pid of pids) process.kill(pid, signal);
};

const noRtsp = ({ rtsp }: Scene) => (rtsp ? undefined : "GStreamer's RTSP server is not installed");

export const faults: readonly Fault[] = [
	{
		name: "ffmpeg is killed",
		strike: (scene) => toFfmpeg(scene, "SIGKILL"),
	},
	{
		name: "ffmpeg hangs",
		async strike(scene, hold) {
			await toFfmpeg(scene, "SIGSTOP");
			await sleep(Math.max(hold, 5_000));
		},
	},
	{
		name: "ffmpeg hangs and somebody restarts it",
		async strike(scene) {
			await toFfmpeg(scene, "SIGSTOP");
			await scene.consumer.ask("cameras/restart", { camera: "road" });
		},
	},
	{
		name: "a camera's file vanishes",
		async strike(scene, hold) {
			await rename(scene.clip, `${scene.clip}.away`);
			await toFfmpeg(scene, "SIGKILL");
			await sleep(hold);
			await rename(`${scene.clip}.away`, scene.clip);
		},
	},
	{
		name: "an RTSP server is killed",
		impossible: noRtsp,
		async strike(scene, hold) {
			const port = scene.rtsp?.port;
			await scene.rtsp?.stop();
			await sleep(hold);
			scene.rtsp = await startRtspServer("--port", String(port));
		},
	},
	{
		name: "an RTSP server falls silent",
		impossible: noRtsp,
		async strike({ rtsp }, hold) {
			rtsp?.pause();
			await sleep(Math.max(hold, 5_000));
			rtsp?.resume();
		},
	},
	network("the broker refuses", "refuse"),
	network("the broker resets", "reset"),
	network("the broker is a black hole", "black hole"),
	{
		name: "the broker is killed and forgets",
		async strike({ broker, consumer }, hold) {
			// First the daemon is cut off, so that all the broker has acknowledged has come to the consumer when it dies.
			await broker.proxy.set("refuse");
			await sleep(1_000);
			await consumer.disconnect();
			await broker.kill();
			await sleep(hold);
			broker.start();
			await sleep(500);
			await consumer.connect(broker.url);
			await broker.proxy.set("pass");
		},
	},
	{
		name: "SIGHUP: a mistake, one camera more, and less",
		async strike({ daemon, consumer, configure }, hold) {
			const extra = async (status: string) => {
				for (let waited = 0; consumer.cameras.get("extra")?.status !== status; waited += 50) {
					if (waited > 20_000) throw new Error(`the camera that SIGHUP concerns is not ${status}`);
					await sleep(50);
				}
			};
			await configure("  extra: { sauce: nothing }");
			daemon.reload();
			await sleep(500);
			await configure('  extra: { source: "test:", fps: 5 }');
			daemon.reload();
			await extra("online");
			await sleep(hold);
			await configure();
			daemon.reload();
			await extra("offline");
		},
	},
	{
		name: "SIGTERM and a start",
		async strike({ daemon }) {
			await daemon.stop();
			daemon.start();
		},
	},
	{
		name: "SIGTERM while the broker is away",
		async strike({ daemon, broker }, hold) {
			await broker.proxy.set("black hole");
			await sleep(hold);
			await daemon.stop();
			await broker.proxy.set("pass");
			daemon.start();
		},
	},
	{
		name: "the disk is full, no broker there",
		impossible: ({ disk }) => (disk ? undefined : "no file system can be mounted here"),
		async strike({ broker, disk }, hold) {
			await broker.proxy.set("refuse");
			await disk?.fill();
			await sleep(hold);
			await disk?.empty();
			await broker.proxy.set("pass");
		},
	},
];
