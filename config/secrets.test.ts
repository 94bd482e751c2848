import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "./load.js";
import { type Surroundings, surroundings } from "./secrets.js";

describe("secrets by name", () => {
	let credentials: string;
	let docker: string;
	before(async () => {
		[credentials, docker] = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), "acclimate-secrets-"))));
		for (const folder of [credentials, docker]) await writeFile(join(folder, "acclimate_both"), `both in ${folder}\n`);
		await writeFile(join(docker, "acclimate_password"), "hunter2\r\n");
		await mkdir(join(docker, "acclimate_folder"));
	});
	after(() => Promise.all([credentials, docker].map((folder) => rm(folder, { recursive: true }))));

	/** The configuration or mistakes where `password` is written so, with `env` set. */
	const withPassword = (written: string, env: Surroundings["env"] = {}) =>
		parse(
			`cameras: { road: { source: clip.mp4 } }\nmqtt: { url: mqtt://a, username: b, password: ${written} }`,
			"cam.yaml",
			{ env, secretsDirectories: [credentials, docker] },
		);

	const passwordOf = (...given: Parameters<typeof withPassword>) => {
		const parsed = withPassword(...given);
		return "config" in parsed ? parsed.config.mqtt?.password : parsed.mistakes.join("\n");
	};

	test("come from the environment first, then from systemd, then from Docker", () => {
		assert.equal(passwordOf('"{ACCLIMATE_BOTH}"', { ACCLIMATE_BOTH: "env" }), "env");
		assert.equal(passwordOf('"{ACCLIMATE_BOTH}"'), `both in ${credentials}`);
		assert.equal(passwordOf('"{ACCLIMATE_PASSWORD}"'), "hunter2");
	});

	test("may stand within a text, and are not looked through for further ones", () => {
		assert.equal(
			passwordOf('"<{ACCLIMATE_A}{ACCLIMATE_A}>"', { ACCLIMATE_A: "{ACCLIMATE_B}$&" }),
			"<{ACCLIMATE_B}$&{ACCLIMATE_B}$&>",
		);
	});

	test("that are nowhere are named, with the places that were searched", () => {
		assert.equal(
			passwordOf('"{ACCLIMATE_NONE}"'),
			`cam.yaml:2:47  mqtt.password: unknown secret {ACCLIMATE_NONE} — set the environment variable ACCLIMATE_NONE or ${credentials}/acclimate_none or ${docker}/acclimate_none`,
		);
	});

	test("that are empty, unreadable, misspelt or without quotes are mistakes", () => {
		const at = "cam.yaml:2:47  mqtt.password: ";
		assert.equal(passwordOf('"{ACCLIMATE_A}"', { ACCLIMATE_A: "" }), `${at}the secret {ACCLIMATE_A} is empty`);
		assert.equal(
			passwordOf('"{ACCLIMATE_FOLDER}"'),
			`${at}the secret {ACCLIMATE_FOLDER} cannot be read from ${docker}/acclimate_folder (EISDIR)`,
		);
		assert.equal(
			passwordOf('"{acclimate_a}"', { acclimate_a: "x" }),
			`${at}{acclimate_a} is no name of a secret — write {ACCLIMATE_NAME}: capitals, digits and _`,
		);
		assert.equal(passwordOf("{ACCLIMATE_A}"), `${at}a secret's name needs quotes — write "{ACCLIMATE_A}"`);
	});

	test("never read another variable, which is said", () => {
		assert.equal(
			passwordOf('"{HOME}"', { HOME: "/root" }),
			"cam.yaml:2:47  mqtt.password: {HOME} is no name of a secret — write {ACCLIMATE_NAME}: capitals, digits and _",
		);
	});

	test("never show in a mistake, wherever they stand", () => {
		const text = `cameras: { road: { source: "ftp://{ACCLIMATE_X}@cam", region: "{ACCLIMATE_X}" } }
mqtt: { url: "http://{ACCLIMATE_X}", topic: "{ACCLIMATE_X}#", clientId: 5 }
threads: "{ACCLIMATE_X}"
batch: { patience: "{ACCLIMATE_X}" }
adapt: { method: "{ACCLIMATE_X}", align: "{ACCLIMATE_X}" }`;
		const parsed = parse(text, "cam.yaml", { env: { ACCLIMATE_X: "hunter2" }, secretsDirectories: [] });
		assert.ok("mistakes" in parsed);
		assert.equal(parsed.mistakes.length, 9);
		assert.doesNotMatch(parsed.mistakes.join("\n"), /hunter2/);
		assert.match(parsed.mistakes.join("\n"), /threads: expected .*, got "{ACCLIMATE_X}"/);
	});

	test("a password that is written out never shows either", () => {
		for (const written of ["1234", "[hunter2]", "{ hunter2: 1 }", '""']) {
			assert.equal(passwordOf(written), "cam.yaml:2:47  mqtt.password: expected text");
		}
		assert.doesNotMatch(String(passwordOf('"hunter2" hunter3')), /hunter/);
	});
});

test("systemd's credentials are searched only where systemd has given some", () => {
	assert.deepEqual(surroundings({}).secretsDirectories, ["/run/secrets"]);
	assert.deepEqual(surroundings({ CREDENTIALS_DIRECTORY: "/run/c" }).secretsDirectories, ["/run/c", "/run/secrets"]);
});
