import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { editorSchema, type JsonSchema, schemaAt } from "./editor.js";
import { parse } from "./load.js";

/** A file of this folder as it lies in the package: the compiler does not copy it to where this test runs. */
function asset(name: string): string {
	let folder = dirname(fileURLToPath(import.meta.url));
	while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
	return readFileSync(join(folder, "config", name), "utf8");
}

/** Every key of the schema with its path; `*` stands for any name. */
function keysOf(at: JsonSchema, path: readonly string[] = []): (readonly string[])[] {
	const own = Object.entries(at.properties ?? {}).flatMap(([key, inner]) => [
		[...path, key],
		...keysOf(inner, [...path, key]),
	]);
	const named = at.additionalProperties ? keysOf(at.additionalProperties, [...path, "*"]) : [];
	return [...own, ...named, ...(at.anyOf ?? []).flatMap((form) => keysOf(form, path))];
}

test("config/schema.json is what the schema says", () => {
	const regenerate = "config/schema.json is stale: npm run build && npx acclimate schema > config/schema.json";
	assert.deepEqual(JSON.parse(asset("schema.json")), JSON.parse(JSON.stringify(editorSchema())), regenerate);
});

test("every key has a description in one sentence", () => {
	for (const path of keysOf(editorSchema())) {
		assert.match(schemaAt(path)?.description ?? "", /^[A-Z].*\.$/, path.join("."));
	}
});

test("a default is part of the description that an editor shows", () => {
	assert.equal(schemaAt(["batch", "frames"])?.description, "Most frames in one pass of the model. Default: 8.");
});

describe("the example", () => {
	const text = asset("acclimate.example.yaml");
	const from = {
		env: { ACCLIMATE_MQTT_PASSWORD: "hunter2", ACCLIMATE_GATE_USER: "cam", ACCLIMATE_GATE_PASSWORD: "hunter3" },
		secretsDirectories: [],
	};
	const configOf = (yaml: string) => {
		const parsed = parse(yaml, "acclimate.example.yaml", from);
		assert.ok("config" in parsed, "mistakes" in parsed ? parsed.mistakes.join("\n") : "");
		return parsed.config;
	};

	test("begins with the line that gives editors the schema", () => {
		assert.equal(text.split("\n")[0], "# yaml-language-server: $schema=./schema.json");
	});

	test("is a valid configuration whose values are the defaults", () => {
		const least = "mqtt: { url: mqtt://127.0.0.1:1883 }\ncameras: { road: { source: clip.mp4 } }";
		assert.deepEqual(configOf(text), configOf(least));
	});

	test("holds every key, each below a comment, and is valid with all of them in use", () => {
		const config = configOf(text.replace(/^( *)#([a-zA-Z]+:)/gm, "$1$2").replace("url: mqtt://", "url: mqtts://"));
		assert.deepEqual(Object.keys(config.cameras), ["road", "gate", "porch"]);
		for (const path of keysOf(editorSchema())) {
			const values = Object.values(config.cameras).map((camera): object => ({ ...config, cameras: { "*": camera } }));
			const found = values.some(
				(value) =>
					path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value) !== undefined,
			);
			assert.ok(found, path.join("."));
		}
	});
});
