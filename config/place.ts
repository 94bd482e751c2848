import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node } from "yaml";

/** What a path leads to. */
export interface Found {
	/** The nodes from the root on, as far as they exist. */
	readonly nodes: readonly Node[];
	/** Where the key of the last node stands, or for list items and the root the node. */
	readonly keyOffset: number;
	/** Whether the path leads to its end. */
	readonly complete: boolean;
}

/** Follows a path of keys and indices through a document, through aliases too. */
export function find(document: Document.Parsed, path: readonly PropertyKey[]): Found {
	let node: unknown = document.contents;
	let keyOffset = startOf(node);
	const nodes = [node as Node];
	for (const step of path) {
		const pair = isMap(node) ? node.items.findLast(({ key }) => keyName(key) === String(step)) : undefined;
		let next: unknown = pair?.value ?? (isSeq(node) ? node.items[Number(step)] : undefined);
		if (isAlias(next)) next = next.resolve(document);
		if (next === undefined || next === null) return { nodes, keyOffset, complete: false };
		keyOffset = startOf(pair?.key ?? next);
		nodes.push(next as Node);
		node = next;
	}
	return { nodes, keyOffset, complete: true };
}

/** The keys and indices that lead to the last of these nodes, given with all its ancestors. */
export function pathOf(nodes: readonly unknown[]): PropertyKey[] {
	return nodes.flatMap((node, i): PropertyKey[] => {
		if (isPair(node)) return [keyName(node.key)];
		return isSeq(node) && i + 1 < nodes.length ? [node.items.indexOf(nodes[i + 1])] : [];
	});
}

/** A path as people write it: `cameras.road.region[2]`. */
export function dotted(path: readonly PropertyKey[]): string {
	return path
		.map((step) =>
			typeof step === "number"
				? `[${step}]`
				: `.${/^[\w-]{1,64}$/.test(String(step)) ? String(step) : quoted(String(step))}`,
		)
		.join("")
		.replace(/^\./, "");
}

/** A text as it can stand in a line of a terminal: quoted, escaped and not too long. */
export function quoted(text: string): string {
	// JSON escapes C0; the characters of C1 steer terminals too.
	return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text).replace(/[\u007f-\u009f]/g, "�");
}

/** The offset of a node in the text. */
export const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

/** A key as the text it is. */
export const keyName = (key: unknown): string => String(isScalar(key) ? key.value : key);
