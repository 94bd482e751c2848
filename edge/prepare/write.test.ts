import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { openBundle } from "../../adapters/bundle.js";
import { temporaryDirectory } from "../../adapters/fixtures.js";
import { memoryBundle } from "../../adapters/model.memory.js";
import { EdgeError } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import type { Report } from "./report.js";
import { checkTarget, writeBundle } from "./write.js";

const root = temporaryDirectory();
let folders = 0;
let folder: string;
let out: string;
beforeEach(async () => {
	folder = join(root, String(++folders));
	await mkdir(folder);
	out = join(folder, "bundle");
});

const { manifest, source } = memoryBundle();
const { format: _f, model: _m, look: _l, source: _s, ...description } = manifest;

const REPORT: Report = {
	frames: 1,
	agreement: 1,
	logitError: { max: 0, rms: 0 },
	layers: [],
	bytes: { float: 1, prepared: 1 },
	milliseconds: { float: 1, adaptable: 1 },
	opening: 0,
	sites: manifest.sites,
	taps: 8,
	parameters: 24,
};

const write = (name: string, to = out, report = REPORT) =>
	writeBundle(
		to,
		{ ...description, name },
		{ model: Buffer.from(`the model called ${name}`), look: Buffer.from("its look") },
		source,
		report,
	);

/** A report that breaks off the writing when the model and its source are on the disk already. */
const breaking = (code?: string): Report => {
	const toJSON = () => {
		throw Object.assign(new Error("broken off"), code && { code });
	};
	return { ...REPORT, toJSON } as Report;
};

const nameOf = async (path: string) => (await openBundle(path)).manifest.name;

describe("a bundle that is written", () => {
	it("can be opened, and says in report.json how it compares", async () => {
		const written = await write("first");
		const bundle = await openBundle(out);
		assert.deepEqual(bundle.manifest, written);
		assert.deepEqual(bundle.source, source);
		assert.deepEqual((await readdir(out)).sort(), [
			"look.onnx",
			"manifest.json",
			"model.onnx",
			"report.json",
			"source.bin",
		]);
		assert.deepEqual(JSON.parse(await readFile(join(out, "report.json"), "utf8")), { schema: 1, ...REPORT });
		assert.equal(written.model.sha256, createHash("sha256").update("the model called first").digest("hex"));
	});

	it("takes the place of the one before, with nothing left beside it", async () => {
		await write("first");
		await writeFile(join(out, ".DS_Store"), "");
		await write("second", `${out}/`);
		assert.equal(await nameOf(out), "second");
		assert.deepEqual(await readdir(folder), ["bundle"]);
	});

	it("goes into an empty folder, or into folders that are not there yet", async () => {
		await mkdir(out);
		await write("first");
		const deep = join(folder, "a", "b", "c");
		await write("second", deep);
		assert.deepEqual([await nameOf(out), await nameOf(deep)], ["first", "second"]);
	});

	it("goes where a link leads, and leaves the link", async () => {
		await write("first");
		const link = join(folder, "current");
		await symlink("bundle", link);
		await write("second", link);
		assert.equal(await nameOf(out), "second");
		assert.equal(await realpath(link), await realpath(out));
	});
});

describe("a bundle whose writing breaks off", () => {
	it("leaves nothing where there was nothing", async () => {
		await assert.rejects(write("half", out, breaking()), /broken off/);
		assert.deepEqual(await readdir(folder), []);
	});

	it("leaves the one before as it was", async () => {
		await write("first");
		await assert.rejects(write("half", out, breaking()), /broken off/);
		assert.equal(await nameOf(out), "first");
		assert.deepEqual(await readdir(folder), ["bundle"]);
	});

	it("is a fault of the world, told in one sentence, when the disk is full", async () => {
		await assert.rejects(write("half", out, breaking("ENOSPC")), (error) => {
			assert.ok(error instanceof EdgeError && error.code === "bundle");
			assert.equal(error.message, `${out}: cannot be written (the disk is full)`);
			return true;
		});
	});

	it("leaves the one before as it was when a file cannot grow any more", { skip: noLimits() }, async () => {
		await write("first");
		const script = `${writer(out)}
			await write(Buffer.alloc(1e6), report).catch((error) => { console.log(error.message); });`;
		const limited = spawnSync("bash", [
			"-c",
			'ulimit -f 64; exec "$0" --input-type=module -e "$1"',
			process.execPath,
			script,
		]);
		assert.match(limited.stdout.toString(), /bundle: cannot be written \(EFBIG\)/, limited.stderr.toString());
		assert.equal(await nameOf(out), "first");
		assert.deepEqual(await readdir(folder), ["bundle"]);
	});

	it("leaves the one before as it was when the process is killed, and what it had begun goes with the next", async () => {
		await write("first");
		const script = `${writer(out)}
			import { writeSync } from "node:fs";
			const toJSON = () => { writeSync(1, "half"); for (;;); };
			await write(Buffer.from("half"), { ...report, toJSON });`;
		const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		await once(child.stdout, "data");
		child.kill("SIGKILL");
		await once(child, "close");
		assert.equal(await nameOf(out), "first");
		const [left] = (await readdir(folder)).filter((name) => name !== "bundle");
		assert.match(left, /^bundle\.partial-\d+-[0-9a-f]{8}$/);
		await assert.rejects(openBundle(join(folder, left)), /manifest\.json: no such file/);
		const others = [left.replace(/\d+/, String(process.ppid)), left.replace("bundle", "bundle-2")];
		for (const name of others) await mkdir(join(folder, name));
		await write("second");
		assert.equal(await nameOf(out), "second");
		assert.deepEqual((await readdir(folder)).sort(), ["bundle", ...others].sort());
	});
});

/** The start of a program in which `write(model, report)` writes a bundle to `path`. */
function writer(path: string): string {
	const from = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
	return `import { writeBundle } from ${from("write.js")};
		import { memoryBundle } from ${from("../../adapters/model.memory.js")};
		const { manifest: { format: _f, model: _m, source: _s, ...description }, source } = memoryBundle();
		const report = ${JSON.stringify(REPORT)};
		const write = (model, report) =>
			writeBundle(${JSON.stringify(path)}, description, { model, look: Buffer.from("") }, source, report);`;
}

function noLimits(): string | false {
	return spawnSync("bash", ["-c", "ulimit -f 64"]).status === 0 ? false : "this shell cannot limit the size of files";
}

describe("a place that a bundle may not go to", () => {
	const refused = async (path: string, message: RegExp) => {
		const before = await readdir(folder, { recursive: true });
		for (const attempt of [() => checkTarget(path), () => write("x", path)]) {
			await assert.rejects(attempt(), (error) => {
				assert.ok(error instanceof Mistake, String(error));
				assert.match(error.message, message);
				assert.ok(!error.message.includes("\n"));
				return true;
			});
		}
		assert.deepEqual(await readdir(folder, { recursive: true }), before);
	};

	it("is a file, or below one", async () => {
		await writeFile(out, "");
		await refused(out, /bundle is a file; expected a new or empty folder, or a bundle to replace$/);
		await refused(join(out, "deeper", "still"), /: .*bundle is a file; expected a folder there$/);
	});

	it("is a folder of something else", async () => {
		await mkdir(out);
		await writeFile(join(out, "thesis.txt"), "years of work");
		await refused(out, /bundle is a folder with thesis\.txt in it and no bundle; expected/);
		for (const manifest of [
			"{",
			"null",
			'{"name": "an app", "icons": []}',
			'{"format": 1, "model": {}, "source": {}}',
		]) {
			await writeFile(join(out, "manifest.json"), manifest);
			await refused(out, /and no bundle; expected/);
		}
	});

	it("is a bundle with other files beside it", async () => {
		await write("first");
		await writeFile(join(out, "notes.txt"), "");
		await refused(out, /bundle is a bundle with notes\.txt beside it, which would be lost; expected/);
		assert.equal(await nameOf(out), "first");
	});

	it("is a link to nothing", async () => {
		await symlink("nowhere", out);
		await refused(out, /is a link to nothing; expected/);
	});

	it("is a folder that nothing can be written to", {
		skip: process.getuid?.() === 0 && "root may write anywhere",
	}, async () => {
		await chmod(folder, 0o500);
		await refused(out, /nothing can be written to .* \(EACCES\)$/);
		await chmod(folder, 0o700);
	});

	it("is a mounted volume", { skip: process.platform !== "linux" }, async () => {
		await assert.rejects(checkTarget("/proc"), /is a mounted volume, which cannot be replaced/);
	});
});

describe("a place that a bundle may go to", () => {
	it("is left as it is by being asked about", async () => {
		for (const path of [out, join(folder, "a", "b"), folder]) await checkTarget(path);
		assert.deepEqual(await readdir(folder), []);
		await write("first");
		await checkTarget(out);
		await checkTarget(`${out}/`);
		assert.equal(await nameOf(out), "first");
		await rm(out, { recursive: true });
	});
});
