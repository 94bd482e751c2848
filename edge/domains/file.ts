import { createHash } from "node:crypto";
import { z } from "zod";
import type { DomainRecord } from "../../operators/types.js";
import { isSmoothing, smoothingOf } from "../../operators/zoa/smoothing.js";

/*
 * Knowledge as a file that can be carried: lines of JSON. The first says what it is, for which model, and the checksum of
 * all others; each of those is one domain of one camera. Arrays of floats are base64 of their little-endian bytes.
 */

/** Of the lines and what is in them; a newer version is not read. */
const VERSION = 2;
const FORMAT = "acclimate-domains";

/** Bytes of a file: some two thousand domains of a model with 9,600 adaptable parameters. */
export const LARGEST = 2 ** 28;

export interface Carried {
	readonly camera: string;
	/** The way it was learned in, such as `zoa+`: what one way has learned is of no use to another. */
	readonly way: string;
	readonly domain: DomainRecord;
}

/** What a vector of knowledge must measure up to: `affine` and d of the model's manifest, and E of a way of learning. */
export interface Shape {
	readonly affine: number;
	readonly features: number;
	channels(way: string): number;
}

/** The file's text for the domains of one model, by its sha256. */
export const written = (model: string, domains: readonly Carried[]): string => {
	const body = domains.map((domain) => `${JSON.stringify(domain, packed)}\n`).join("");
	return `${JSON.stringify({ format: FORMAT, version: VERSION, model, sha256: sum(body) })}\n${body}`;
};

/**
 * The opposite of `written`, or in words what is wrong with the text. Nothing of it is believed: it may come from anywhere.
 * `shapeOf` gives the shape of a model by its sha256, or says why knowledge of that model is not wanted.
 */
export const readBack = (
	text: string,
	shapeOf: (model: string) => Shape | { readonly problem: string },
): { readonly domains: readonly Carried[] } | { readonly problem: string } => {
	const end = text.indexOf("\n");
	const head = opening.safeParse(json(text.slice(0, Math.max(0, end))));
	if (!head.success) return { problem: "is no file that `acclimate domains export` wrote" };
	const { version } = head.data;
	if (version > VERSION)
		return {
			problem: `was written by a newer acclimate (version ${version}, this one reads ${VERSION}): update this one`,
		};
	const header = headerOf.safeParse(head.data);
	const body = text.slice(end + 1);
	if (!header.success || header.data.sha256 !== sum(body))
		return { problem: "is damaged: its checksum is wrong, so copy it again" };
	const shape = shapeOf(header.data.model);
	if ("problem" in shape) return shape;
	const domains: Carried[] = [];
	for (const [i, line] of body.split("\n").slice(0, -1).entries()) {
		const read = json(line, unpacked);
		const { way } = (read ?? {}) as { way?: unknown };
		const domain = carried(shape, typeof way === "string" ? way : "").safeParse(read);
		if (!domain.success) {
			const [{ path, message }] = domain.error.issues;
			return { problem: `is not in order: line ${i + 2}, ${path.join(".") || "the whole of it"}: ${message}` };
		}
		domains.push(domain.data as unknown as Carried);
	}
	return { domains };
};

const opening = z.looseObject({ format: z.literal(FORMAT), version: z.int().min(1) });
const headerOf = z.object({ model: z.string().regex(/^[0-9a-f]{64}$/), sha256: z.string() });

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "expected 1 to 64 letters, digits, _ or -" });
const time = z.number().min(0);
const count = z.int().min(0);

/** Fields that are not named here belong to a version that knows more of a domain, and are kept. */
const carried = ({ affine, features, channels }: Shape, ofWay: string) =>
	z.strictObject({
		camera: name,
		way: z.string().regex(/^[a-z+:-]{1,64}$/, { error: "expected the name of a way of learning" }),
		domain: z.looseObject({
			id: name,
			name: z.string().max(256),
			vector: parameters(affine, (times) => times === 0),
			alignment: parameters(affine, isSmoothing),
			stemMean: floats(channels(ofWay)),
			stemVariance: floats(channels(ofWay)),
			shift: floats(features).exactOptional(),
			gain: z.number().max(1).exactOptional(),
			madeAt: time,
			lastUsedAt: time,
			visits: count,
			steps: count,
		}),
	});

/** Without the last of them in a file of the first version, from before pictures were smoothed. */
const parameters = (affine: number, may: (smoothings: number) => boolean) =>
	z.custom<Float32Array>(
		(value) => isFloats(value, affine) || (isFloats(value, affine + 1) && may(smoothingOf(value))),
		{ error: `expected ${affine} finite numbers and how often pictures are smoothed` },
	);

const isFloats = (value: unknown, length: number): value is Float32Array =>
	value instanceof Float32Array && value.length === length && value.every(Number.isFinite);

const floats = (length: number) =>
	z.custom<Float32Array>((value) => isFloats(value, length), { error: `expected ${length} finite numbers` });

const packed = (_key: string, value: unknown): unknown =>
	value instanceof Float32Array
		? { float32: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
		: value;

const unpacked = (key: string, value: unknown): unknown => {
	// A key that JavaScript takes for something else is nobody's.
	if (key === "__proto__") return undefined;
	const { float32 } = (value ?? {}) as { float32?: unknown };
	if (typeof float32 !== "string") return value;
	const bytes = Buffer.from(float32, "base64");
	return bytes.length % 4 === 0 ? new Float32Array(Uint8Array.from(bytes).buffer) : undefined;
};

function json(text: string, reviver?: typeof unpacked): unknown {
	try {
		return JSON.parse(text, reviver);
	} catch {
		return undefined;
	}
}

const sum = (text: string) => createHash("sha256").update(text).digest("hex");
