import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { eventually, makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import { type Started, starter } from "../fixtures.js";
import { childrenOf } from "../soak/processes.js";
import { type Listening, listener } from "./fixtures.js";

const folder = temporaryDirectory();
const start = starter(folder);

const listen = listener();
let heard: Listening;
let daemon: Started;

before(async () => {
	const scenes = "testsrc=size=160x120:rate=25:duration=6";
	// Fog: a picture that is merely darker may be one of exposure.
	const changing = `${scenes}[clear];${scenes},lutyuv=y=160+val/6:u=128:v=128[fog];[clear][fog]concat`;
	await makeClip(join(folder, "changing.mp4"), "-f", "lavfi", "-i", scenes, "-filter_complex", changing);
	await makeClip(join(folder, "short.mp4"), "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=1");
	heard = await listen();
	writeFileSync(
		join(folder, "cam.yaml"),
		`mqtt: { url: "${heard.broker.url}" }\ncameras:\n` +
			"  road: { source: { file: changing.mp4, loop: true, pace: realtime } }\n" +
			"  yard: { source: changing.mp4, enabled: false }\n" +
			"  brief: { source: short.mp4 }\n",
	);
	daemon = start("run", "cam.yaml");
	await eventually(() => heard.seqs().length > 10, 20_000);
});

const json = (text: string | undefined) => JSON.parse(text ?? "null");
const adaptation = () => json(heard.last("road/adaptation"))?.state;
const command = (word: string, options = {}) =>
	heard.consumer.publishAsync("acclimate/road/adaptation/set", word, { qos: 1, ...options });

let asked = 0;
const ask = async (request: string, payload: object | string = {}) => {
	const transaction = `t${++asked}`;
	const text = typeof payload === "string" ? payload : JSON.stringify({ transaction, ...payload });
	const before = heard.on(`bridge/response/${request}`).length;
	await heard.consumer.publishAsync(`acclimate/bridge/request/${request}`, text, { qos: 1 });
	await eventually(() => heard.on(`bridge/response/${request}`).length > before, 10_000);
	const response = json(heard.last(`bridge/response/${request}`));
	if (typeof payload !== "string") assert.equal(response.transaction, transaction);
	return response;
};

describe("commands over MQTT", () => {
	it("freeze a camera's learning and let it go on, answered by the retained state", async () => {
		await command("FREEZE");
		await eventually(() => adaptation() === "frozen", 10_000);
		const frozen = json(heard.last("road/adaptation"));
		const seen = heard.seqs().length;
		await eventually(() => heard.seqs().length > seen + 20, 10_000);
		assert.deepEqual(json(heard.last("road/adaptation")), frozen);
		await command(" ON\n");
		await eventually(() => adaptation() !== "frozen", 10_000);
		await command("RESET");
		await eventually(() => daemon.err().includes('"command":"reset"'), 10_000);
		assert.equal(json(heard.last("road/domain")).status, "looking");
	});

	it("are passed over when they were retained, are none, or are for nobody", async () => {
		await command("FREEZE", { retain: true });
		await eventually(() => adaptation() === "frozen", 10_000);
		await command("ON");
		await eventually(() => adaptation() !== "frozen", 10_000);
		await command("freeze");
		await command("__proto__");
		await command("x".repeat(20_000));
		await heard.consumer.publishAsync("acclimate/nobody/adaptation/set", "FREEZE", { qos: 1 });
		await eventually(() => daemon.err().includes("there is no such camera"), 10_000);
		assert.match(daemon.err(), /"command":"freeze".*expected ON, FREEZE, RESET, ROLLBACK/);
		assert.notEqual(adaptation(), "frozen");
	});

	it("that the broker has kept from another time are passed over after a restart", async () => {
		await command("FREEZE", { retain: true });
		await eventually(() => adaptation() === "frozen", 10_000);
		await command("ON");
		await eventually(() => adaptation() !== "frozen", 10_000);
		daemon.child.kill("SIGTERM");
		await daemon.ended;
		daemon = start("run", "cam.yaml");
		await eventually(() => daemon.err().includes("a command that the broker had kept is passed over"), 20_000);
		const before = heard.seqs().length;
		await eventually(() => heard.seqs().length > before + 40, 20_000);
		assert.notEqual(adaptation(), "frozen");
		await command("", { retain: true });
	});
});

describe("requests over MQTT", () => {
	it("are answered with what runs, how it runs and which cameras there are", async () => {
		const info = await ask("info");
		assert.equal(info.status, "ok");
		assert.deepEqual(info.data.cameras, ["road", "yard", "brief"]);
		assert.deepEqual(json(heard.last("bridge/info")).model, info.data.model);
		const health = await ask("health");
		assert.ok(health.data.uptime > 0 && health.data.rss > 1e7 && health.data.cameras.road.predictions > 10);
		const cameras = await ask("cameras");
		assert.equal(cameras.data.road.status, "online");
		assert.equal(cameras.data.yard.status, "disabled");
	});

	it("list, rename and remove domains", async () => {
		const domains = async () => (await ask("domains", { camera: "road" })).data;
		let known = await domains();
		for (let i = 0; i < 40 && known.length === 0; i++) {
			await new Promise((done) => setTimeout(done, 500));
			known = await domains();
		}
		const [{ id }] = known;
		assert.equal((await ask("domains/rename", { camera: "road", domain: id, name: "by day" })).status, "ok");
		assert.equal((await domains()).find((domain: { id: string }) => domain.id === id).name, "by day");
		const refused = await ask("domains/remove", { camera: "road", domain: "d99" });
		assert.deepEqual([refused.status, refused.error], ["error", "there is no domain d99"]);
	});

	it("that cannot be understood are answered with a sentence, and unknown ones with nothing", async () => {
		assert.match((await ask("info", "{")).error, /expected an object in JSON/);
		assert.match((await ask("domains", {})).error, /camera: /);
		assert.match((await ask("domains", { camera: "nobody" })).error, /there is no camera nobody/);
		assert.match((await ask("domains/rename", { camera: "yard", domain: "d1", name: "x" })).error, /switched off/);
		assert.match((await ask("domains/rename", { camera: "road", domain: "d1", name: "a\nb" })).error, /name: /);
		assert.match((await ask("domains/rename", { camera: "road", domain: "d1", name: "x".repeat(65) })).error, /name: /);
		await heard.consumer.publishAsync("acclimate/bridge/request/shell", "{}", { qos: 1 });
		await eventually(() => daemon.err().includes("there is no such request"), 10_000);
	});

	it("have a camera's ffmpeg ended, even one that hangs, and another started; what was learned is kept", async () => {
		await command("FREEZE");
		await eventually(() => adaptation() === "frozen", 10_000);
		const told = heard.on("road/adaptation").length;
		for (const hangs of [false, true]) {
			const [reader, ...others] = await childrenOf(daemon.child.pid as number, "changing.mp4");
			assert.deepEqual(others, []);
			if (hangs) process.kill(reader, "SIGSTOP");
			const statuses = heard.on("road/status").length;
			assert.deepEqual((await ask("cameras/restart", { camera: "road" })).data, {});
			assert.ok(!(await childrenOf(daemon.child.pid as number, "changing.mp4")).includes(reader));
			await eventually(() => heard.last("road/status") === "online", 10_000);
			assert.deepEqual(heard.on("road/status").slice(statuses), ["offline", "online"]);
			const seen = heard.seqs().length;
			await eventually(() => heard.seqs().length > seen + 20, 10_000);
			const reasons = heard.on("road/state").map((text) => json(text).reason);
			assert.deepEqual(reasons.slice(-2), ["restart", null]);
			assert.equal((await childrenOf(daemon.child.pid as number, "changing.mp4")).length, 1);
		}
		assert.equal(heard.on("road/adaptation").length, told, "it is still frozen, and nothing was begun anew");
		const seqs = heard.seqs();
		assert.deepEqual(
			seqs,
			seqs.map((_, i) => i),
		);
		await command("ON");
		await eventually(() => adaptation() !== "frozen", 10_000);
	});

	it("to restart a camera are refused where there is nothing to restart", async () => {
		const refusal = async (payload: object | string) => {
			const { status, error } = await ask("cameras/restart", payload);
			assert.equal(status, "error");
			return error;
		};
		assert.match(await refusal("road"), /expected an object in JSON/);
		assert.match(await refusal({}), /camera: /);
		assert.match(await refusal({ camera: ["road"] }), /camera: /);
		assert.match(await refusal({ camera: "__proto__" }), /there is no camera __proto__/);
		assert.match(await refusal({ camera: "yard" }), /switched off/);
		await eventually(() => heard.last("brief/status") === "offline", 10_000);
		assert.match(await refusal({ camera: "brief" }), /brief has ended/);
	});

	it("set no source, no argument and no file", async () => {
		const before = json(heard.last("bridge/info"));
		for (const request of ["cameras", "cameras/restart", "info", "health"])
			await ask(request, { camera: "road", source: "elsewhere.mp4", model: "elsewhere", ffmpeg: "-f x" });
		assert.deepEqual((await ask("info")).data.model, before.model);
		await eventually(() => heard.last("road/status") === "online", 10_000);
		const [reader] = await childrenOf(daemon.child.pid as number, "changing.mp4");
		assert.doesNotMatch(readFileSync(`/proc/${reader}/cmdline`, "utf8"), /elsewhere|-f\0x/);
	});
});
