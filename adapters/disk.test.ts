import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { temporaryDirectory } from "./fixtures.js";

/** A file system of its own, which only this process and its children see. */
const PRIVATE = ["--map-root-user", "--mount", "sh", "-c"];
const MOUNT = "mount -t tmpfs -o size=4m acclimate";

const skip =
	spawnSync("unshare", [...PRIVATE, `${MOUNT} /mnt`]).status === 0 ? false : "no file system can be mounted here";

/** Writes into a store and an outbox on a disk that is filled meanwhile, and emptied again. */
const SCRIPT = `
	import { rmSync, writeFileSync } from "node:fs";
	import { openStore } from ${JSON.stringify(new URL("./bank.js", import.meta.url).href)};
	import { sampleDomain } from ${JSON.stringify(new URL("./bank.contract.js", import.meta.url).href)};
	import { openOutbox } from ${JSON.stringify(new URL("./outbox.js", import.meta.url).href)};
	const directory = process.argv[1];
	const store = openStore({ directory });
	const bank = store.bank("b", "road");
	const announce = { topic: () => "gap", payload: () => "gap" };
	const outbox = openOutbox({ directory: directory + "/outbox", size: 2 ** 30, age: 3_600_000, announce });
	let refused = 0;
	const write = async (times) => {
		for (let n = 0; n < times; n++) {
			for (let i = 0; i < 20; i++) outbox.append("t", "x".repeat(100), false);
			await bank.put({ ...sampleDomain(n % 20), vector: new Float32Array(5000).fill(n) }).catch((error) => {
				if (refused++ === 0) process.stdout.write("full: " + error.message + "\\n");
			});
			await new Promise((done) => setTimeout(done, 10));
		}
	};
	await write(30);
	try {
		writeFileSync(directory + "/filler", Buffer.alloc(2 ** 23));
	} catch {} // as much of it as there is room for
	await write(120);
	rmSync(directory + "/filler");
	await new Promise((done) => setTimeout(done, 1_000));
	await write(150);
	await bank.put(sampleDomain(99));
	await outbox.stored();
	const { waiting, lost } = outbox;
	await outbox.close();
	await store.close();
	process.stdout.write(JSON.stringify({ refused, waiting, lost }));`;

it("a full disk does not end the process, and is used again when there is room", { skip }, async () => {
	const directory = temporaryDirectory();
	const node = [process.execPath, "--input-type=module", "-e", SCRIPT, directory];
	const child = spawn("unshare", [...PRIVATE, `${MOUNT} "$4" && exec "$0" "$@"`, ...node], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let printed = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		printed += text;
	});
	const gone = once(child, "close");
	assert.deepEqual(await gone, [0, null]);
	assert.match(printed, /^full: .*could not be written \(\d+ KiB are free\); is the disk full\?\n/);
	const { refused, waiting, lost } = JSON.parse(printed.split("\n").at(-1) ?? "");
	assert.ok(refused > 50, `${refused} domains were refused`);
	const [messages, gap] = [2 * 20 * 150, 1];
	assert.equal(waiting + lost, messages + gap, "every message is kept, or counted as lost and told");
	assert.ok(waiting > messages / 2);
});
