import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import { parse } from "yaml";
import { eventually } from "../../adapters/fixtures.js";
import { freePort } from "../fixtures.js";

// Where no Docker is: everything about the image that can be known without building it.

const root = fileURLToPath(new URL("../../../", import.meta.url));
const deploy = join(root, "edge/deploy");
const folder = mkdtempSync(join(tmpdir(), "acclimate-image-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The instructions of the Dockerfile, one array of them for each stage. */
const stages = readFileSync(join(deploy, "Dockerfile"), "utf8")
	.replace(/^#.*\n/gm, "")
	.replaceAll("\\\n", " ")
	.split("\n")
	.filter((line) => line.trim() !== "")
	.map((line) => ({ verb: line.split(" ")[0], rest: line.slice(line.indexOf(" ") + 1) }))
	.reduce<{ verb: string; rest: string }[][]>((all, line) => {
		if (line.verb === "FROM") all.push([]);
		all[all.length - 1].push(line);
		return all;
	}, []);

const of = (stage: number, verb: string) => stages[stage].filter((line) => line.verb === verb).map(({ rest }) => rest);

describe("the image", () => {
	const copied = of(0, "COPY").flatMap((rest) => {
		const words = rest.split(" ");
		const target = words.pop() ?? "";
		return words.map((source) => ({ source, target: target.endsWith("/") ? join(target, source) : target }));
	});

	it("is made of files that exist, and that are let into its context", () => {
		const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
		assert.equal(ignored[0], "*");
		for (const { source } of copied) {
			assert.ok(existsSync(join(root, source)), source);
			assert.ok(ignored.includes(`!${source}`), `${source} is in .dockerignore`);
		}
	});

	it("has everything that the compiler and the package need", () => {
		for (const { source, target } of copied)
			cpSync(join(root, source), join(folder, target), { recursive: true, filter: (path) => !path.includes("dist") });
		symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
		const npm = (...args: string[]) => spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
		const built = npm("run", "build");
		assert.equal(built.status, 0, built.stdout);
		const packed = npm("pack", "--dry-run", "--json");
		assert.equal(packed.status, 0, packed.stderr + packed.stdout);
		const paths: string[] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("["))).flatMap(
			({ files }: { files: { path: string }[] }) => files.map(({ path }) => path),
		);
		assert.ok(paths.includes("dist/edge/main.js") && paths.includes("edge/demo/assets/vehicles/model.onnx"));
		assert.deepEqual(
			paths.filter((path) => /\.test\.|fixtures|faulty-proxy/.test(path)),
			[],
		);
		const { status, stdout } = spawnSync(join(folder, "dist/edge/main.js"), ["--version"]);
		assert.equal(status, 0);
		assert.equal(String(stdout).trim(), JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
	});

	it("runs as a user without rights, from images with a version, and is asked for its health", () => {
		const last = stages.length - 1;
		assert.deepEqual(of(last, "USER"), ["node"]);
		assert.equal(of(last, "HEALTHCHECK").length, 1);
		for (const [stage] of stages.entries()) {
			assert.match(of(stage, "FROM")[0], /^node:20-slim\b/);
			assert.deepEqual(of(stage, "ADD"), []);
		}
		for (const source of of(last, "COPY")) assert.match(source, /^--from=build /);
	});

	it("asks for its health in a way that tells well from ill", async () => {
		const [, words] = /CMD (\[.*\])$/.exec(of(stages.length - 1, "HEALTHCHECK")[0]) ?? [];
		const [program, ...args]: string[] = JSON.parse(words);
		assert.equal(program, "node");
		for (const status of [200, 503]) {
			const port = await freePort();
			const server = `require("node:http").createServer((_, r) => r.writeHead(${status}).end()).listen(${port}, "127.0.0.1", () => console.log())`;
			const answering = spawn(process.execPath, ["-e", server], { stdio: ["ignore", "pipe", "inherit"] });
			await new Promise((done) => answering.stdout.once("data", done));
			const asked = spawnSync(
				process.execPath,
				args.map((arg) => arg.replace("9180", String(port))),
			);
			answering.kill("SIGKILL");
			assert.equal(asked.status, status === 200 ? 0 : 1);
		}
	});
});

describe("compose.yaml", () => {
	const { services, volumes } = parse(readFileSync(join(deploy, "compose.yaml"), "utf8"));

	it("builds what is here, mounts what is here, and opens ports to this machine alone", () => {
		const { context, dockerfile } = services.acclimate.build;
		assert.ok(existsSync(join(deploy, context, dockerfile)));
		for (const { volumes: mounted, ports } of Object.values<{ volumes: string[]; ports: string[] }>(services)) {
			for (const mount of mounted) {
				const [source] = mount.split(":");
				assert.ok(source.startsWith("./") ? existsSync(join(deploy, source)) : source in volumes, mount);
			}
			for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
		}
	});

	it("gives the broker a configuration that mosquitto takes", async (t) => {
		if (spawnSync("mosquitto", ["-h"]).error) return t.skip("mosquitto is not installed");
		const port = await freePort();
		const data = join(folder, "data/");
		mkdirSync(data);
		const file = join(folder, "mosquitto.conf");
		const text = readFileSync(join(deploy, "mosquitto.conf"), "utf8");
		writeFileSync(
			file,
			`${text.replace("1883", String(port)).replace("/mosquitto/data/", `${dirname(join(data, "x"))}/`)}user root\n`,
		);
		const broker = spawn("mosquitto", ["-c", file], { stdio: "ignore" });
		let ended = false;
		broker.once("exit", () => {
			ended = true;
		});
		const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
		await client.publishAsync("x", "y", { qos: 1 });
		await client.endAsync();
		assert.equal(ended, false);
		broker.kill();
		await eventually(() => ended);
	});
});
