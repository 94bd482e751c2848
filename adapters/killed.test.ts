import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sampleDomain } from "./bank.contract.js";
import { openStore } from "./bank.js";
import { many, temporaryDirectory } from "./fixtures.js";

const KILLS = many({ short: 8, long: 50 });

const writer = fileURLToPath(new URL("fixtures.writer.js", import.meta.url));

/** Writes until it is killed at a random moment; gives back the last number acknowledged under each heading. */
const writeAndDie = async (directory: string, from: number) => {
	const child = spawn(process.execPath, [writer, directory, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
	let printed = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		printed += text;
	});
	const gone = once(child, "close");
	await once(child.stdout, "data");
	const delay = Math.random() * 200;
	await sleep(delay);
	child.kill("SIGKILL");
	await gone;
	const lines = printed.slice(0, printed.lastIndexOf("\n")).split("\n");
	const last = (heading: string) =>
		Math.max(-1, ...lines.filter((line) => line.startsWith(heading)).map((line) => Number(line.split(" ").at(-1))));
	return { delay, last, said: lines.filter((line) => line.startsWith("warning")) };
};

it(`${KILLS} kills at random moments of writing lose nothing that was acknowledged`, async (t) => {
	const directory = temporaryDirectory();
	let from = 0;
	for (let kill = 0; kill < KILLS; kill++) {
		const { delay, last, said } = await writeAndDie(directory, from);
		const warnings = [...said];
		t.diagnostic(`killed after ${delay.toFixed(1)} ms at ${last("road domain")}, ${last("yard domain")}`);
		assert.equal(warnings.join(), "");
		const store = openStore({ directory, onWarning: (message) => warnings.push(message) });
		for (const camera of ["road", "yard"]) {
			const bank = store.bank("b", camera);
			const domains = await bank.domains();
			for (const [n, domain] of domains.entries())
				assert.deepEqual(domain, { ...sampleDomain(n), vector: new Float32Array(5000).fill(n) });
			assert.ok(domains.length > last(`${camera} domain`), `${domains.length}, ${last(`${camera} domain`)}`);
			const state = (await bank.restore()) as { n: number } | undefined;
			assert.ok((state?.n ?? -1) >= last(`${camera} state`));
		}
		assert.equal(warnings.join(), "");
		from = Math.max(from, 1 + Math.min(last("road domain"), last("yard domain")));
		await store.close();
	}
	assert.ok(from > KILLS, `${from} domains of each camera`);
});
