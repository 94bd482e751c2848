import { createReadStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { readDocument } from "./document.js";
import { explain, fillSecrets } from "./mistakes.js";
import { type Config, schema } from "./schema.js";
import { keepSecretsOf } from "./scrub.js";
import { type Surroundings, surroundings } from "./secrets.js";

/** No configuration is larger; a video given by mistake is not read to its end. */
const LARGEST = 1024 * 1024;

/** Aliases of one anchor, multiplied along chains of them: more than any number of cameras needs. */
const ALIASES = 100;

/** Lines that anyone would read; a file with more is hardly a configuration. */
const MOST = 100;

/** All that is wrong with a configuration, a line each; the command line's exit code for it is 2. */
export class ConfigMistakes extends Error {
	override readonly name = "ConfigMistakes";
	constructor(readonly mistakes: readonly string[]) {
		super(mistakes.join("\n"));
	}
}

/**
 * Reads a configuration file.
 * @throws {ConfigMistakes} with every mistake in it
 */
export async function load(path: string, from: Surroundings = surroundings()): Promise<Config> {
	const parsed = parse(await read(path), path, from);
	if ("mistakes" in parsed) throw new ConfigMistakes(parsed.mistakes);
	return parsed.config;
}

/**
 * A configuration from its text, or every mistake in it as `file:line:column  key: sentence — hint`.
 * Relative paths in it start at the folder of `filename`.
 */
export function parse(
	text: string,
	filename: string,
	from: Surroundings,
): { readonly config: Config } | { readonly mistakes: string[] } {
	const { document, lines, mistakes: faults } = readDocument(text);
	const mistakes = [...faults];
	if (document !== undefined) {
		const filled = fillSecrets(document, from);
		mistakes.push(...filled.mistakes);
		try {
			const checked = schema.safeParse(document.toJS({ maxAliasCount: ALIASES }));
			if (checked.success && mistakes.length === 0) {
				keepSecretsOf(checked.data);
				return { config: anchored(checked.data, dirname(filename)) };
			}
			mistakes.push(...explain(checked.error?.issues ?? [], filled, MOST + 1));
		} catch (error) {
			if (!(error instanceof ReferenceError)) throw error;
			mistakes.push({ offset: 0, where: "", says: "aliases (*) multiply beyond all measure — write the values out" });
		}
	}
	const sorted = mistakes.sort((a, b) => a.offset - b.offset);
	const said = sorted.map(({ offset, where, says }) => {
		const { line, col } = lines.linePos(offset);
		return `${filename}:${line}:${col}  ${where && `${where}: `}${says}`;
	});
	return { mistakes: said.length > MOST ? [...said.slice(0, MOST), `${filename}: and more`] : said };
}

/** The same configuration with its paths made absolute: who moves the YAML file's folder moves all that belongs to it. */
function anchored(config: Config, folder: string): Config {
	const cameras = Object.entries(config.cameras).map(([name, camera]) => {
		const { source } = camera;
		if (source.kind !== "file") return [name, camera] as const;
		return [name, { ...camera, source: { ...source, file: resolve(folder, source.file) } }] as const;
	});
	const { model, mqtt } = config;
	const inFolder = (files: Record<string, unknown>) =>
		Object.entries(files).map(([key, file]) => [key, typeof file === "string" ? resolve(folder, file) : file]);
	return {
		...config,
		...(mqtt?.tls && { mqtt: { ...mqtt, tls: Object.fromEntries(inFolder(mqtt.tls)) as typeof mqtt.tls } }),
		...(model !== undefined && { model: resolve(folder, model) }),
		store: resolve(folder, config.store),
		cameras: Object.fromEntries(cameras),
	};
}

/** The file's text; whatever is not one is said in a line. */
async function read(path: string): Promise<string> {
	const bytes = await contents(path);
	if (bytes.length > LARGEST) throw new ConfigMistakes([`${path}: larger than 1 MiB — is this a configuration?`]);
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		throw new ConfigMistakes([`${path}: not a text in UTF-8 — is this a YAML file?`]);
	}
}

async function contents(path: string): Promise<Buffer> {
	const chunks: Buffer[] = [];
	try {
		for await (const chunk of createReadStream(path, { end: LARGEST })) chunks.push(chunk);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const reasons: Record<string, string> = {
			ENOENT: "no such file",
			ENOTDIR: "no such file",
			EISDIR: "a directory — give the YAML file in it",
			EACCES: "may not be read by this user",
		};
		throw new ConfigMistakes([`${path}: ${reasons[String(code)] ?? `cannot be read (${code})`}`]);
	}
	return Buffer.concat(chunks);
}
