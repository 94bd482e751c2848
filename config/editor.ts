import { z } from "zod";
import { schema } from "./schema.js";

/** What this project uses of JSON Schema. */
export interface JsonSchema {
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly additionalProperties?: false | JsonSchema;
	readonly anyOf?: readonly JsonSchema[];
	readonly writeOnly?: boolean;
	readonly default?: unknown;
	readonly description?: string;
}

/** The configuration's JSON Schema, for editors: what may be written, with descriptions and defaults. */
export function editorSchema(): JsonSchema {
	const generated = z.toJSONSchema(schema, {
		io: "input",
		target: "draft-7", // what the YAML language server of every editor reads
		override: ({ jsonSchema }) => {
			const { description, default: value } = jsonSchema;
			if (value === undefined || typeof value === "object") return;
			jsonSchema.description = `${description} Default: ${value}.`;
		},
	});
	return { title: "acclimate configuration", ...generated } as JsonSchema;
}

let whole: JsonSchema | undefined;

/** The schema of the value at a path; undefined where the schema knows none. */
export function schemaAt(path: readonly PropertyKey[]): JsonSchema | undefined {
	whole ??= editorSchema();
	let at: JsonSchema | undefined = whole;
	for (const step of path) {
		const { properties, additionalProperties }: JsonSchema = mappingOf(at) ?? {};
		at = Object.hasOwn(properties ?? {}, step) ? properties?.[String(step)] : additionalProperties || undefined;
	}
	return at;
}

/** The keys a mapping at this path may have. */
export const keysAt = (path: readonly PropertyKey[]): string[] =>
	Object.keys(mappingOf(schemaAt(path))?.properties ?? {});

/** Where a value may be written in several ways, the one that is a mapping. */
const mappingOf = (at: JsonSchema | undefined): JsonSchema | undefined =>
	at?.anyOf?.find(({ properties }) => properties !== undefined) ?? at;
