/** Reads the weights that a model keeps in other files. */

import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname, join, sep, win32 } from "node:path";
import type { Message } from "./schema.js";
import { type Refuse, shown } from "./sentence.js";
import { lengthOf } from "./tensors.js";

/** A tensor whose bytes are in another file. */
export interface External {
	readonly message: Message;
	/** What it is called in a sentence. */
	readonly label: string;
}

/** Where a tensor's bytes are, as its message says. */
interface Place {
	readonly location: string;
	readonly offset: number;
	readonly length: number;
}

/**
 * Puts the bytes of tensors into their messages.
 * @param path of the model; the other files are in its folder
 * @param room how many bytes there may be in all
 */
export async function loadExternal(
	tensors: readonly External[],
	path: string,
	room: number,
	refuse: Refuse,
): Promise<void> {
	const placed = tensors.map((tensor) => ({ ...tensor, place: placeOf(tensor, refuse) }));
	// Before anything is read: many tensors may name the same bytes.
	if (placed.reduce((sum, { place }) => sum + place.length, 0) > room) refuse(TOO_LARGE);
	for (const [location, there] of grouped(placed)) {
		const file = await openInside(location, path, refuse);
		try {
			const { size } = await file.stat();
			for (const { message, label, place } of there) {
				const end = place.offset + place.length;
				if (end > size) {
					refuse(`${label} is bytes ${place.offset} to ${end} of ${shown(location)}, which has only ${size}`);
				}
				message.rawData = await readAt(file, place, refuse);
				message.externalData = [];
				message.dataLocation = 0;
			}
		} finally {
			await file.close();
		}
	}
}

function grouped<T extends { readonly place: Place }>(tensors: readonly T[]): Map<string, T[]> {
	const groups = new Map<string, T[]>();
	for (const tensor of tensors) {
		const group = groups.get(tensor.place.location);
		if (group) group.push(tensor);
		else groups.set(tensor.place.location, [tensor]);
	}
	return groups;
}

export const TOO_LARGE =
	"is larger than 2 GB with its weights; expected a smaller model, as one ONNX file cannot hold more";

function placeOf({ message, label }: External, refuse: Refuse): Place {
	const entry = (key: string): string | undefined => message.externalData.find((e: Message) => e.key === key)?.value;
	const whole = (key: string): number | undefined => {
		const text = entry(key);
		if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
		return refuse(`${label} has ${key} ${shown(text)} in another file; expected a whole number`);
	};
	const location = entry("location");
	if (!location) return refuse(`${label} is in another file, but does not say in which`);
	const expected = lengthOf(message, label, refuse);
	const length = whole("length") ?? expected;
	if (length !== expected) {
		refuse(`${label} has ${length} bytes in ${shown(location)}; expected ${expected}, as its dims say`);
	}
	return { location, offset: whole("offset") ?? 0, length };
}

/** Opens a file of the model's folder, and none elsewhere, whatever the model says. */
async function openInside(location: string, path: string, refuse: Refuse): Promise<FileHandle> {
	const outside = () =>
		refuse(`keeps weights in ${shown(location)}, which is outside the model's folder; expected a file beside it`);
	if (location.startsWith("/") || win32.isAbsolute(location) || location.split(/[/\\]/).includes("..")) outside();
	if (location.includes("\0")) outside();
	const missing = (cause: NodeJS.ErrnoException) =>
		refuse(
			`keeps weights in ${shown(location)}, which cannot be read (${cause.code}); expected it in the model's folder`,
			cause,
		);
	const real = await realpath(join(dirname(path), location)).catch(missing);
	// Where the model is a link itself, as in a cache of downloads, its other files are links to where it really is.
	const folders = [await realpath(dirname(path)), dirname(await realpath(path))];
	if (!folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))) outside();
	// Not blocking: opening a pipe waits for somebody to write to it.
	const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK).catch(missing);
	if ((await file.stat()).isFile()) return file;
	await file.close();
	return refuse(`keeps weights in ${shown(location)}, which is no file`);
}

async function readAt(file: FileHandle, { location, offset, length }: Place, refuse: Refuse): Promise<Uint8Array> {
	const failed = (cause: NodeJS.ErrnoException) => refuse(`${shown(location)} cannot be read (${cause.code})`, cause);
	const bytes = Buffer.alloc(length);
	for (let done = 0; done < length; ) {
		const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch(failed);
		if (bytesRead === 0) refuse(`${shown(location)} became shorter while it was read`);
		done += bytesRead;
	}
	return bytes;
}
