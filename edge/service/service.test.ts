import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { eventually, makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import type { Outlet } from "../../operators/types.js";
import { starter } from "../fixtures.js";
import { openVitals } from "../telemetry/vitals.js";
import { emptyTally } from "../watch.js";
import { openNotifier } from "./notify.js";
import { openService, watchdogInterval } from "./service.js";

const has = (program: string, argument = "--version") => spawnSync(program, [argument]).error === undefined;
const missing = ["systemd-notify", "python3"].find((program) => !has(program));
const skip = missing === undefined ? false : `${missing} is not installed`;

const folder = temporaryDirectory();
const listeners: ChildProcess[] = [];
after(() => {
	for (const listener of listeners) listener.kill("SIGKILL");
});

/** Stands in for systemd: prints each datagram that comes to the socket as a line. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().strip(), flush=True)
`;

let sockets = 0;
/** A socket such as systemd gives to a service, and the words that came to it. */
const listen = async () => {
	const socket = join(folder, `notify-${++sockets}`);
	const receiver = spawn("python3", ["-c", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
	listeners.push(receiver);
	let text = "";
	receiver.stdout.setEncoding("utf8").on("data", (chunk) => {
		text += chunk;
	});
	await once(receiver.stdout, "data");
	const words = () =>
		text
			.split("\n")
			.slice(1)
			.filter((line) => /^[A-Z]+=/.test(line) && !line.startsWith("BARRIER"));
	return { words, env: { NOTIFY_SOCKET: socket, PATH: process.env.PATH } };
};

const log = pino({ level: "silent" });
const silence: Outlet = { publish: async () => {} };

describe("a service manager", { skip }, () => {
	it("is told in the order of the calls", async () => {
		const { words, env } = await listen();
		const notifier = openNotifier(env, assert.fail);
		for (const state of ["READY=1", "RELOADING=1", "READY=1"] as const) void notifier?.tell(state);
		await notifier?.tell("STOPPING=1");
		await eventually(() => words().length === 4);
		assert.deepEqual(words(), ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]);
	});

	it("has its watchdog fed by rounds, and not when none ends while a camera is online", async () => {
		const { words, env } = await listen();
		const vitals = openVitals();
		openService(vitals, log, { ...env, WATCHDOG_USEC: "600000", WATCHDOG_PID: String(process.pid) });
		const fed = () => words().length;
		const road = vitals.witness("road", emptyTally(), 0);
		await eventually(() => fed() >= 2);
		await road.overheard(silence).publish("status", "online");
		await sleep(1_000); // for what is on its way
		const before = fed();
		await sleep(1_200);
		assert.equal(fed(), before, "the model hangs: two intervals without a round");
		const began = performance.now();
		for (let round = 0; round < 60; round++) {
			road.turned();
			await sleep(10);
		}
		const thirds = (performance.now() - began) / 200;
		await eventually(() => fed() > before);
		await sleep(1_000);
		assert.ok(fed() - before <= thirds + 1, `${fed() - before} processes in ${thirds} thirds of an interval`);
		const turning = fed();
		await road.overheard(silence).publish("status", "offline");
		await eventually(() => fed() >= turning + 3);
		assert.ok(words().every((word) => word === "WATCHDOG=1"));
	});

	it("is told by the daemon when it is ready, reloads and stops, and has its watchdog fed meanwhile", async () => {
		const { words, env } = await listen();
		await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4");
		const file = join(folder, "cam.yaml");
		writeFileSync(file, "cameras: { road: { source: { file: clip.mp4, loop: true, pace: realtime } } }\n");
		const daemon = starter(folder, { ...env, WATCHDOG_USEC: "1500000" })("run", file);
		await eventually(() => words().filter((word) => word === "WATCHDOG=1").length >= 4, 20_000);
		assert.ok(words().includes("READY=1"));
		daemon.child.kill("SIGHUP");
		await eventually(() => words().filter((word) => word === "READY=1").length === 2, 20_000);
		assert.deepEqual(
			words().filter((word) => word !== "WATCHDOG=1"),
			["READY=1", "RELOADING=1", "READY=1"],
		);
		daemon.child.kill("SIGTERM");
		assert.equal((await daemon.ended).code, 0);
		await eventually(() => words().includes("STOPPING=1"));
		assert.equal(words().at(-1), "STOPPING=1");
	});
});

describe("without a service manager", () => {
	it("nothing is told, and no watchdog is fed that belongs to another process", () => {
		assert.equal(openNotifier({}, assert.fail), undefined);
		assert.equal(watchdogInterval({}), undefined);
		assert.equal(watchdogInterval({ WATCHDOG_USEC: "0" }), undefined);
		assert.equal(watchdogInterval({ WATCHDOG_USEC: "5000000", WATCHDOG_PID: "1" }), undefined);
		assert.equal(watchdogInterval({ WATCHDOG_USEC: "5000000" }), 5_000);
	});

	it("or without its program, that is said once and the daemon goes on", async () => {
		const said: string[] = [];
		const notifier = openNotifier({ NOTIFY_SOCKET: "/nowhere" }, (message) => said.push(message), "no-such-program");
		await notifier?.tell("READY=1");
		await notifier?.tell("WATCHDOG=1");
		assert.equal(said.length, 1);
		assert.match(said[0], /^the service manager cannot be told anything: .*no-such-program/);
	});
});

describe("the unit", () => {
	let unit = "";
	before(() => {
		unit = new URL("../../../config/acclimate.service", import.meta.url).pathname;
	});

	it("is one that systemd takes", (t) => {
		if (!has("systemd-analyze")) return t.skip("systemd-analyze is not installed");
		const { status, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
		assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
	});

	it("waits for what the daemon tells it, and does not try again what the user must mend", () => {
		const lines = readFileSync(unit, "utf8").split("\n");
		for (const line of ["Type=notify", "NotifyAccess=all", "WatchdogSec=60s", "RestartPreventExitStatus=2"])
			assert.ok(lines.includes(line), line);
	});
});
