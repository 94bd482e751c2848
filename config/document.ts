import {
	type Document,
	isMap,
	isScalar,
	isSeq,
	Lexer,
	LineCounter,
	type Node,
	parseDocument,
	visit,
	type YAMLError,
} from "yaml";
import { dotted, keyName, pathOf, quoted, startOf } from "./place.js";

/** Something that is wrong with the file: where in its text, at which key, and a sentence. */
export interface Mistake {
	/** Characters before it. */
	readonly offset: number;
	/** The key it is about, such as `cameras.road.region[2]`; empty for the file as a whole. */
	readonly where: string;
	readonly says: string;
}

/** A YAML text and what is wrong with it as YAML; without a document there is nothing to look at further. */
export interface Read {
	readonly document?: Document.Parsed;
	readonly mistakes: readonly Mistake[];
	readonly lines: LineCounter;
}

/** No mapping of the schema is deeper than a handful, and recursion over thousands can take Node down. */
const DEPTH = 64;

const EXAMPLE = "cameras: { road: { source: clip.mp4 } }";

/** Reads one mapping from a YAML text. */
export function readDocument(text: string): Read {
	const lines = new LineCounter();
	const tooDeep = deeperThan(DEPTH, text);
	if (tooDeep !== undefined) {
		lines.addNewLine(0);
		for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
		return { lines, mistakes: [{ offset: tooDeep, where: "", says: `more than ${DEPTH} levels, one in the other` }] };
	}
	const document = parseDocument(text, {
		lineCounter: lines,
		prettyErrors: false, // they quote the text, and with it perhaps a password
		stringKeys: true,
		uniqueKeys: false, // quadratic there; repeatedKeys() is linear and says where the first one is
		resolveKnownTags: false, // a configuration has no binary data, sets or dates
		logLevel: "error",
	});
	const faults = [...document.errors, ...document.warnings];
	if (faults.length > 0) {
		const sound = faults.every(({ code }) => code === "TAG_RESOLVE_FAILED" || code === "MULTIPLE_DOCS");
		const mistakes = firstOfLines(faults, lines).map((fault) => ({
			offset: fault.pos[0],
			where: "",
			says: plainly(fault),
		}));
		return sound && isMap(document.contents) ? { document, mistakes, lines } : { mistakes, lines };
	}
	if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
		return { lines, mistakes: [{ offset: 0, where: "", says: `nothing is configured — the least is ${EXAMPLE}` }] };
	}
	if (!isMap(document.contents)) {
		const [offset] = document.contents.range;
		const kind = isSeq(document.contents) ? "a list" : "a single value";
		return { lines, mistakes: [{ offset, where: "", says: `expected a mapping such as ${EXAMPLE}, got ${kind}` }] };
	}
	const lost = unresolvedAliases(document);
	const mistakes = [...lost, ...repeatedKeys(document, lines)];
	return lost.length > 0 ? { mistakes, lines } : { document, mistakes, lines };
}

/** The offset at which brackets, or dashes and the like on one line, nest deeper than `limit`. */
function deeperThan(limit: number, text: string): number | undefined {
	const SCALAR = "\u001f"; // announces that the next token is a plain scalar's text
	const marks = new Set(["\u0002", "\u0018", SCALAR]);
	let offset = 0;
	let brackets = 0;
	let indicators = 0;
	let scalar = false;
	for (const token of new Lexer().lex(text)) {
		if (scalar) scalar = false;
		else if (token === SCALAR) scalar = true;
		else if (token === "[" || token === "{") brackets++;
		else if (token === "]" || token === "}") brackets--;
		else if (token === "-" || token === "?" || token === ":") indicators++;
		else if (token.includes("\n")) indicators = 0;
		if (brackets > limit || indicators - 2 * brackets > limit) return offset;
		if (!marks.has(token)) offset += token.length;
	}
	return undefined;
}

/** One fault a line: what follows it there is mostly its consequence. */
function firstOfLines(faults: readonly YAMLError[], lines: LineCounter): YAMLError[] {
	const first = new Map<number, YAMLError>();
	for (const fault of faults.toSorted((a, b) => a.pos[0] - b.pos[0])) {
		const { line } = lines.linePos(fault.pos[0]);
		if (!first.has(line)) first.set(line, fault);
	}
	return [...first.values()];
}

/** A fault of YAML in words that need no YAML specification, and never with text of the file in them. */
function plainly({ code, message }: YAMLError): string {
	switch (code) {
		case "TAB_AS_INDENT":
			return "a tab cannot indent — use spaces";
		case "BAD_INDENT":
			return "the indentation does not fit, or a bracket is not closed";
		case "MULTILINE_IMPLICIT_KEY":
		case "BLOCK_AS_IMPLICIT_KEY":
			return "a mapping cannot start here — check the indentation of this line and the next, and quote a text with a colon in it";
		case "MISSING_CHAR":
			if (message.startsWith("Missing closing")) return "the text ends in an open quotation";
			if (message.includes("map values")) return "expected a colon and a value after this key";
			return "a character is missing here, such as a space, a comma or a colon";
		case "BAD_SCALAR_START":
			return "a value cannot start with this character — put it in quotes";
		case "BAD_DQ_ESCAPE":
			return "not an escape sequence — use single quotes, or write \\\\ for one backslash";
		case "UNEXPECTED_TOKEN":
			return "nothing more was expected here — is a quote or a bracket wrong before it?";
		case "MULTIPLE_DOCS":
			return "a second document starts here — one file holds one configuration";
		case "TAG_RESOLVE_FAILED":
			return 'an unknown tag — write the value without it, and a secret as "{ACCLIMATE_NAME}"';
		case "NON_STRING_KEY":
			return "a key must be a plain text";
		case "RESOURCE_EXHAUSTION":
			return "too many levels, one in the other";
		default:
			return `not valid YAML (${code})`;
	}
}

function unresolvedAliases(document: Document.Parsed): Mistake[] {
	const mistakes: Mistake[] = [];
	visit(document, {
		Alias: (_, alias, above) => {
			if (alias.resolve(document) !== undefined) return;
			const where = dotted(pathOf([...above, alias]));
			mistakes.push({ offset: startOf(alias), where, says: "an alias (*) of an anchor (&) that is not before it" });
		},
	});
	return mistakes;
}

function repeatedKeys(document: Document.Parsed, lines: LineCounter): Mistake[] {
	const mistakes: Mistake[] = [];
	visit(document, {
		Map: (_, map, above) => {
			const where = dotted(pathOf([...above, map]));
			const first = new Map<string, number>();
			for (const { key } of map.items) {
				const name = keyName(key);
				const offset = startOf(key as Node);
				const before = first.get(name);
				if (before === undefined) first.set(name, offset);
				else {
					const { line } = lines.linePos(before);
					mistakes.push({ offset, where, says: `key ${quoted(name)} again — it is already in line ${line}` });
				}
				// JavaScript takes this name for something else, and the schema would pass over it.
				if (name === "__proto__") mistakes.push({ offset, where, says: `key ${quoted(name)} cannot be used` });
			}
		},
	});
	return mistakes;
}
