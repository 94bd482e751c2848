import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openBroker } from "./broker.js";
import type { BrokerEvent, BrokerOptions } from "./broker.options.js";
import { eventually, temporaryDirectory } from "./fixtures.js";
import { openOutbox } from "./outbox.js";

const missing = ["mosquitto", "openssl"].find((program) => spawnSync(program, ["-h"], { stdio: "ignore" }).error);
const folder = temporaryDirectory();
const file = (name: string) => join(folder, name);
const contents = (name: string) => readFileSync(file(name));

const cleanups: (() => Promise<unknown>)[] = [];
after(async () => {
	for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Makes a key and a certificate for `name`, signed by `ca`, or by itself. */
const certify = (name: string, ca?: string, extensions = "basicConstraints=CA:TRUE") => {
	const openssl = (...arguments_: string[]) => execFileSync("openssl", arguments_, { cwd: folder, stdio: "ignore" });
	const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
	if (!ca) {
		openssl("req", "-x509", ...key, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name}`);
		return;
	}
	writeFileSync(file("extensions"), extensions);
	openssl("req", ...key, "-out", "request", "-subj", `/CN=${name}`);
	const by = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-CAcreateserial", "-days", "2", "-extfile", "extensions"];
	openssl("x509", "-req", "-in", "request", ...by, "-out", `${name}.pem`);
};

const freePort = async (): Promise<number> => {
	const server = createServer();
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	const { port } = server.address() as { port: number };
	await new Promise((done) => server.close(done));
	return port;
};

/** Starts mosquitto with these lines of configuration; resolves to its port. */
const startMosquitto = async (...lines: string[]): Promise<number> => {
	const port = await freePort();
	const name = file(`mosquitto-${port}.conf`);
	// Started by root, it would become a user who may not read the test's files.
	writeFileSync(name, ["user root", `listener ${port} 127.0.0.1`, ...lines].join("\n"));
	const child = spawn("mosquitto", ["-c", name], { stdio: ["ignore", "ignore", "pipe"] });
	cleanups.push(async () => child.kill("SIGKILL"));
	await new Promise<void>((done, failed) => {
		let said = "";
		child.once("exit", () => failed(new Error(said)));
		child.stderr.on("data", (text) => {
			said += text;
			if (/running/.test(said)) done();
		});
	});
	return port;
};

let directories = 0;
const open = (url: string, more: Partial<BrokerOptions> = {}) => {
	const events: BrokerEvent[] = [];
	const notice = (payload: string) => ({ topic: "t/available", payload });
	const broker = openBroker({
		url,
		...{ will: notice("offline"), birth: notice("online"), farewell: notice("stopped") },
		outbox: openOutbox({
			directory: file(`outbox-${directories++}`),
			size: 1e6,
			age: 1e6,
			announce: { topic: () => "t/gap", payload: () => "" },
		}),
		times: { retryMin: 50, retryMax: 200 },
		onEvent: (event) => events.push(event),
		...more,
	});
	cleanups.push(() => broker.close(0));
	const whyNot = () => events.flatMap((event) => (event.type === "lost" ? [event.reason] : []))[0];
	return { broker, whyNot };
};

describe("an encrypted connection", { skip: missing ? `${missing} is not on this machine` : false }, () => {
	let url = "";
	before(async () => {
		certify("ca");
		certify("stranger");
		certify("server", "ca", "subjectAltName=IP:127.0.0.1");
		certify("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example");
		certify("device", "ca");
		const port = await startMosquitto(
			...[`cafile ${file("ca.pem")}`, `certfile ${file("server.pem")}`, `keyfile ${file("server.key")}`],
			...["require_certificate true", "use_identity_as_username true", "allow_anonymous false"],
		);
		url = `mqtts://127.0.0.1:${port}`;
	});
	const device = () => ({ cert: contents("device.pem"), key: contents("device.key") });

	for (const version of ["3.1.1", 5] as const)
		it(`delivers by MQTT ${version} with the device's own certificate`, async () => {
			const { broker } = open(url, { version, tls: { ca: contents("ca.pem"), ...device(), rejectUnauthorized: true } });
			for (let seq = 0; seq < 50; seq++)
				await broker.send({ topic: "t/predictions", payload: { seq }, retain: false, deliver: "every" });
			await eventually(() => broker.connected && broker.waiting === 0);
			await broker.close(2000);
		});

	it("does not come about with a broker that somebody else vouches for, or nobody known", async () => {
		const stranger = open(url, { tls: { ca: contents("stranger.pem"), ...device(), rejectUnauthorized: true } });
		const nobody = open(url, { tls: { ...device(), rejectUnauthorized: true } });
		await eventually(() => stranger.whyNot() !== undefined && nobody.whyNot() !== undefined);
		for (const { broker, whyNot } of [stranger, nobody]) {
			assert.match(whyNot(), /certificate/);
			assert.equal(broker.connected, false);
		}
	});

	it("does not come about with a broker that has another name", async () => {
		const port = await startMosquitto(
			...[`certfile ${file("elsewhere.pem")}`, `keyfile ${file("elsewhere.key")}`, "allow_anonymous true"],
		);
		const { broker, whyNot } = open(`mqtts://127.0.0.1:${port}`, {
			tls: { ca: contents("ca.pem"), rejectUnauthorized: true },
		});
		await eventually(() => whyNot() !== undefined);
		assert.match(whyNot(), /IP: 127\.0\.0\.1/);
		assert.equal(broker.connected, false);
		const careless = open(`mqtts://127.0.0.1:${port}`, { tls: { rejectUnauthorized: false } });
		await eventually(() => careless.broker.connected);
	});

	it("is refused by a broker that asks for a certificate and gets none", async () => {
		const { broker, whyNot } = open(url, { tls: { ca: contents("ca.pem"), rejectUnauthorized: true } });
		await eventually(() => whyNot() !== undefined);
		assert.equal(broker.connected, false);
	});
});

describe("a broker that asks who is there", { skip: missing ? `${missing} is not on this machine` : false }, () => {
	for (const version of ["3.1.1", 5] as const)
		it(`lets in by MQTT ${version} who gives the right password, and says why it does not another`, async () => {
			writeFileSync(file("passwords"), "acclimate:hunter2\n");
			execFileSync("mosquitto_passwd", ["-U", file("passwords")]);
			const port = await startMosquitto(`password_file ${file("passwords")}`, "allow_anonymous false");
			const right = open(`mqtt://127.0.0.1:${port}`, { version, username: "acclimate", password: "hunter2" });
			await eventually(() => right.broker.connected);
			const wrong = open(`mqtt://127.0.0.1:${port}`, { version, username: "acclimate", password: "hunter3" });
			await eventually(() => wrong.whyNot() !== undefined);
			assert.match(wrong.whyNot(), /[Nn]ot authorized/);
			assert.doesNotMatch(wrong.whyNot(), /hunter/);
		});
});
