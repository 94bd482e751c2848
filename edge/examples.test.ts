import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse as parseYaml } from "yaml";
import { makeClip, temporaryDirectory } from "../adapters/fixtures.js";
import { keysAt } from "../config/editor.js";
import { load } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { freePort, testBroker } from "./fixtures.js";
import { bundled } from "./paths.js";
import { run } from "./run.js";

// Whatever the repository shows as a configuration is one: it is loaded, and run on a short clip in the place of its cameras.

const root = fileURLToPath(new URL("../../", import.meta.url));
const FRAMES = 16;

interface Example {
	readonly where: string;
	readonly text: string;
}

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** The blocks of code in a Markdown text, indented or fenced, and the code within its sentences. */
const codeIn = (markdown: string): string[] => {
	const fenced = [...markdown.matchAll(/^( *)```.*\n([\s\S]*?)^\1```/gm)].map(([, , block]) => block);
	const rest = markdown.replace(/^( *)```.*\n[\s\S]*?^\1```/gm, "");
	const indented = [...rest.matchAll(/(?:^(?: {4}|\t).*\n(?:[ \t]*\n(?= {4}|\t))?)+/gm)].map(([block]) =>
		block.replace(/^(?: {4}|\t)/gm, ""),
	);
	const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
	return [...fenced, ...indented, ...spans];
};

/** Whether a piece of code is meant for a configuration file: a mapping that begins with one of its keys. */
const isConfiguration = (code: string): boolean => {
	const key = /^([a-z]+):(\s|$)/.exec(code.replace(/^(#.*\n|\s*\n)*/, ""))?.[1];
	return key !== undefined && keysAt([]).includes(key);
};

const all = ["config", "docs", "edge"].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, String(path))),
);
const files = all
	.filter((path) => path.endsWith(".yaml") && !path.endsWith("compose.yaml"))
	.map((path): Example => ({ where: path, text: read(path) }));
const shown = ["README.md", ...all.filter((path) => path.endsWith(".md"))].flatMap((path) =>
	codeIn(read(path))
		.filter(isConfiguration)
		.map((text, i): Example => ({ where: `${path}, example ${i + 1}: ${text.split("\n")[0]}`, text })),
);

describe("every example of a configuration", () => {
	const folder = temporaryDirectory();
	const openBroker = testBroker();
	before(async () => {
		const seconds = FRAMES / 8;
		await makeClip(join(folder, "clip.mp4"), "-f", "lavfi", "-i", `testsrc=size=320x240:rate=8:duration=${seconds}`);
	});

	it("is found: in files, in blocks and in sentences", () => {
		assert.ok(files.length >= 2);
		assert.ok(shown.some(({ text }) => text.startsWith("mqtt: { url: mqtt://127.0.0.1:1883 }\ncameras:\n")));
		assert.ok(shown.some(({ text }) => text === "adapt: { method: zoa, align: false }"));
	});

	/** The example on this machine: its cameras see the clip, its broker and address are ones that are free. */
	const here = async (config: Config, clip: Config["cameras"][string]["source"], store: string): Promise<Config> => ({
		...config,
		store,
		...(config.mqtt && { mqtt: { ...config.mqtt, url: (await openBroker({ base: config.mqtt.topic })).url } }),
		...(config.http && { http: { listen: { host: "127.0.0.1", port: await freePort() } } }),
		log: { ...config.log, level: "warn" },
		cameras: Object.fromEntries(
			Object.entries(config.cameras).map(([name, camera]) => [name, { ...camera, source: clip }]),
		),
	});

	for (const [n, { where, text }] of [...files, ...shown].entries())
		it(`is loaded and runs: ${where}`, async () => {
			const own = join(folder, String(n));
			mkdirSync(own);
			symlinkSync(bundled.model, join(own, "my-model"));
			const file = join(own, "cam.yaml");
			const rest = "cameras" in parseYaml(text) ? "" : `\ncameras: { road: { source: ../clip.mp4 } }\n`;
			writeFileSync(file, text + rest);
			const from = { env: { ACCLIMATE_MQTT_PASSWORD: "an-example" }, secretsDirectories: [] };
			const config = await load(file, from);
			writeFileSync(join(folder, "least.yaml"), "cameras: { road: { source: clip.mp4 } }");
			const { source } = (await load(join(folder, "least.yaml"), from)).cameras.road;
			const { summary, failures } = await run(await here(config, source, join(own, "store")), {
				signal: new AbortController().signal,
				output: new Writable({ write: (_chunk, _encoding, done) => done() }),
			});
			assert.deepEqual(failures, []);
			const cameras = Object.entries(config.cameras).filter(([, { enabled }]) => enabled);
			assert.deepEqual(
				cameras.map(([name]) => summary.cameras[name].predictions),
				cameras.map(() => FRAMES),
			);
		});
});
