import { type Document, isMap, isScalar, isSeq, type Node, visit } from "yaml";
import type { z } from "zod";
import type { Mistake } from "./document.js";
import { keysAt, schemaAt } from "./editor.js";
import { masked } from "./mask.js";
import { nearest } from "./nearest.js";
import { dotted, find, pathOf, quoted, startOf } from "./place.js";
import { fill, type Surroundings } from "./secrets.js";

type Issue = z.core.$ZodIssue;

/** A document whose secrets are filled in. */
export interface Filled {
	readonly document: Document.Parsed;
	readonly mistakes: readonly Mistake[];
	/** The texts as they were written, for mistakes to quote: never with a secret in them. */
	readonly written: ReadonlyMap<Node, string>;
	/** Nodes whose mistake is already known, so that the schema's opinion of them is of no interest. */
	readonly unfit: ReadonlySet<Node>;
}

/** Puts the secrets into a document, in place, so that every value keeps its position. */
export function fillSecrets(document: Document.Parsed, from: Surroundings): Filled {
	const mistakes: Mistake[] = [];
	const written = new Map<Node, string>();
	const unfit = new Set<Node>();
	visit(document, {
		Scalar: (key, node, above) => {
			if (key === "key" || typeof node.value !== "string") return;
			const { filled, mistakes: said } = fill(node.value, from);
			if (said.length > 0) unfit.add(node);
			for (const says of said) mistakes.push({ offset: startOf(node), where: dotted(pathOf([...above, node])), says });
			if (filled === node.value) return;
			written.set(node, node.value);
			node.value = filled;
		},
		Map: (_, node, above) => {
			const name = bareSecret(node);
			if (name === undefined) return;
			unfit.add(node);
			const says = `a secret's name needs quotes — write "{${name}}"`;
			mistakes.push({ offset: startOf(node), where: dotted(pathOf([...above, node])), says });
		},
	});
	return { document, mistakes, written, unfit };
}

/** The name in `{ACCLIMATE_X}` without quotes, which YAML takes for a mapping. */
function bareSecret(node: unknown): string | undefined {
	if (!isMap(node) || !node.flow || node.items.length !== 1) return undefined;
	const { key, value } = node.items[0];
	const bare = value === null || (isScalar(value) && value.value === null);
	return bare && isScalar(key) && /^ACCLIMATE_/.test(String(key.value)) ? String(key.value) : undefined;
}

/** The schema's issues as sentences at their places in the file, `most` at most. */
export function explain(issues: readonly Issue[], filled: Filled, most: number): Mistake[] {
	return issues
		.flatMap((issue) => unfold(issue))
		.slice(0, most)
		.filter(({ path }) => !find(filled.document, path).nodes.some((node) => filled.unfit.has(node)))
		.flatMap((issue) => sentences(issue, filled));
}

/** One issue for each key, and where a value may have several forms, the issues of the form that was meant. */
function unfold(issue: Issue): Issue[] {
	if (issue.code === "unrecognized_keys") {
		// readDocument() has already said of this one that it cannot be used.
		return issue.keys.filter((key) => key !== "__proto__").map((key) => ({ ...issue, keys: [key] }));
	}
	if (issue.code !== "invalid_union") return [issue];
	const meant = issue.errors.find(
		(form) => !form.some(({ code, path }) => code === "invalid_type" && path.length === 0),
	);
	if (meant === undefined) return [issue];
	return meant.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] }));
}

function sentences(issue: Issue, { document, written }: Filled): Mistake[] {
	const { path } = issue;
	const at = find(document, path);
	const parent = path.slice(0, -1);
	if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unrecognized(document, path, key));
	if (issue.code === "invalid_key") {
		const says = `key ${quoted(String(path.at(-1)))}: ${issue.issues[0]?.message}`;
		return [{ offset: at.keyOffset, where: dotted(parent), says }];
	}
	if (!at.complete && issue.code === "custom" && issue.params?.orAt) {
		const { nodes } = find(document, issue.params.orAt as PropertyKey[]);
		return [{ offset: startOf(nodes.at(-1)), where: dotted(path), says: issue.message }];
	}
	if (!at.complete) {
		const says = `missing key ${quoted(String(path.at(-1)))} — ${expected(issue)}`;
		return [{ offset: at.keyOffset, where: dotted(parent), says }];
	}
	const node = at.nodes[at.nodes.length - 1];
	return [{ offset: startOf(node), where: dotted(path), says: withValue(issue, node, written) }];
}

function unrecognized(document: Document.Parsed, path: readonly PropertyKey[], key: string): Mistake {
	const known = keysAt(path);
	const meant = nearest(key, known);
	const hint = meant === undefined ? `expected one of ${known.join(", ")}` : `did you mean ${quoted(meant)}?`;
	const { keyOffset } = find(document, [...path, key]);
	return { offset: keyOffset, where: dotted(path), says: `unrecognized key ${quoted(key)} — ${hint}` };
}

/** What was expected and what is there instead, unless that is a secret. */
function withValue(issue: Issue, node: Node, written: Filled["written"]): string {
	const [what, ...hints] = expected(issue).split(" — ");
	if (issue.code === "invalid_value" && isScalar(node) && !written.has(node)) {
		const meant = nearest(String(node.value), issue.values.map(String));
		if (meant !== undefined) hints.push(`did you mean ${quoted(meant)}?`);
	}
	if (isScalar(node) && node.value === null) hints.push("give it a value or leave it out");
	const secret = schemaAt(issue.path)?.writeOnly === true;
	const got = what.startsWith("expected ") && !secret ? `, got ${asWritten(node, written)}` : "";
	return [what + got, ...hints].join(" — ");
}

/** The issue's own sentence, or where the schema gives none, one made from what zod knows. */
function expected(issue: Issue): string {
	if (issue.code === "invalid_value")
		return `expected one of ${issue.values.map((value) => (typeof value === "string" ? quoted(value) : String(value))).join(", ")}`;
	if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input")) return issue.message;
	if (issue.expected === "boolean") return "expected true or false";
	return issue.expected === "object" ? "expected a mapping" : `expected ${issue.expected}`;
}

function asWritten(node: Node, written: Filled["written"]): string {
	if (isMap(node)) return "a mapping";
	if (isSeq(node)) return `a list of ${node.items.length}`;
	const value = isScalar(node) ? (written.get(node) ?? node.value) : undefined;
	if (typeof value === "string") return quoted(masked(value));
	if (value === null) return "nothing";
	// As it was written: 0x1F and 1e9 are easier to find again than 31 and 1000000000.
	return isScalar(node) && node.source !== undefined && node.source.length <= 60 ? node.source : typeof value;
}
