/** Calibration pictures: from a folder, a zip of one, or a video, decoded and fitted as a camera's frames will be. */

import { spawn } from "node:child_process";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { unzipSync } from "fflate";
import { openCamera } from "../../../adapters/camera.js";
import { type Fitting, ffmpegPath, fitFilter, passthrough } from "../../../adapters/ffmpeg.js";
import { videoFile } from "../../../adapters/sources/source.js";
import { EdgeError } from "../../../operators/types.js";
import { Mistake } from "../../mistake.js";

/** One picture as the prepared model takes it: planes G, B, R of height × width bytes. */
export interface Picture {
	readonly pixels: Uint8Array;
	/** The folder it lay in, where that was not the topmost one. */
	readonly folder?: string;
}

export interface Pictures {
	/** Folders take turns, so that any part of the list is spread over them; the order is the same every time. */
	readonly pictures: readonly Picture[];
	/** Names of the files that could not be decoded. */
	readonly skipped: readonly string[];
}

const EXTENSIONS = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];
/** Pictures decoded by one ffmpeg process. */
const CHUNK = 64;

interface File {
	readonly name: string;
	readonly folder?: string;
	readonly read: () => Promise<Uint8Array>;
}

/**
 * Reads at most `limit` calibration pictures, evenly picked where there are more.
 * @param wanted which files to take, by folder and name, such as `car/1.jpg`; a video is one whole
 * @throws {Mistake} when there is nothing at `path`, or nothing in it that can be decoded
 */
export async function readPictures(
	path: string,
	fitting: Fitting,
	limit: number,
	wanted: (name: string) => boolean = () => true,
): Promise<Pictures> {
	const pictures: Picture[] = [];
	const skipped: string[] = [];
	for await (const { name, folder, pixels } of decodePictures(path, fitting, limit, wanted)) {
		if (pixels) pictures.push({ pixels, ...(folder === undefined ? {} : { folder }) });
		else skipped.push(name);
	}
	return { pictures, skipped };
}

/** One picture as it was found; without pixels where it cannot be decoded. */
export interface Decoded {
	/** Of its file. */
	readonly name: string;
	readonly folder?: string;
	readonly pixels: Uint8Array | undefined;
}

/** The same one after the other, in the same order, so that more can be read than memory holds. */
export async function* decodePictures(
	path: string,
	fitting: Fitting,
	limit: number,
	wanted: (name: string) => boolean,
): AsyncGenerator<Decoded> {
	const all = await filesOf(path);
	if (!all) {
		for (const { pixels } of await readVideo(path, fitting, limit)) yield { name: path, pixels };
		return;
	}
	const files = all.filter((file) => wanted(nameOf(file)));
	if (files.length === 0) {
		throw new Mistake(`${path}: no pictures in it; expected files ending in ${EXTENSIONS.join(", ")}`);
	}
	let found = 0;
	for await (const picture of decodeFiles(takeTurns(files, limit), fitting)) {
		if (picture.pixels) found++;
		yield picture;
	}
	if (found === 0) {
		throw new Mistake(`${path}: none of its ${files.length} pictures can be decoded, ${files[0].name} for one`);
	}
}

/**
 * Names of the pictures in a folder or a zip, by folder and name; none for a video.
 * @throws {Mistake} when there is nothing at `path`
 */
export async function pictureNames(path: string): Promise<string[]> {
	const files = await filesOf(path);
	return (files ?? []).map(nameOf);
}

const nameOf = ({ name, folder }: File) => `${folder ?? ""}/${basename(name)}`;

/** The pictures at a path; undefined for a video. */
async function filesOf(path: string): Promise<File[] | undefined> {
	const kind = await stat(path).catch((cause) => {
		throw new Mistake(`${path}: cannot be read (${cause.code}); expected calibration pictures`, { cause });
	});
	if (kind.isDirectory()) return filesOfFolder(path);
	// Opening a pipe would wait for somebody to write to it.
	if (!kind.isFile()) throw new Mistake(`${path}: is neither a folder nor a file; expected calibration pictures`);
	const isZip = (await startOf(path)).equals(Buffer.from("PK\x03\x04"));
	return isZip ? filesOfZip(path) : undefined;
}

/** Evenly picked files of each folder, folders taking turns. */
export function takeTurns<T extends { readonly name: string; readonly folder?: string }>(
	files: readonly T[],
	limit: number,
): T[] {
	const folders = new Map<string, T[]>();
	for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
		const folder = file.folder ?? "";
		folders.set(folder, [...(folders.get(folder) ?? []), file]);
	}
	const share = Math.ceil(limit / folders.size);
	const picked = [...folders.values()].map((list) =>
		list.length <= share ? list : Array.from({ length: share }, (_, i) => list[Math.floor((i * list.length) / share)]),
	);
	const longest = Math.max(...picked.map((list) => list.length));
	const turns = Array.from({ length: longest }, (_, turn) => picked.flatMap((list) => list.slice(turn, turn + 1)));
	return turns.flat().slice(0, limit);
}

async function filesOfFolder(root: string): Promise<File[]> {
	const entries = await readdir(root, { recursive: true }).catch((cause) => {
		throw new Mistake(`${cause.path ?? root}: cannot be read (${cause.code}); expected calibration pictures`, {
			cause,
		});
	});
	return entries.filter(isPicture).map((name) => ({ ...placed(name), read: () => readFile(join(root, name)) }));
}

async function filesOfZip(path: string): Promise<File[]> {
	try {
		const entries = unzipSync(await readFile(path), { filter: ({ name }) => isPicture(name) });
		return Object.entries(entries).map(([name, bytes]) => ({ ...placed(name), read: async () => bytes }));
	} catch (cause) {
		throw new Mistake(`${path}: cannot be unpacked (${(cause as Error).message})`, { cause });
	}
}

const placed = (name: string) => {
	const folder = basename(dirname(name));
	return folder === "." || folder === "" ? { name } : { name, folder };
};

/** By its ending; what macOS adds to zips (`__MACOSX/._a.jpg`) is none. */
const isPicture = (name: string) => EXTENSIONS.includes(extname(name).toLowerCase()) && !basename(name).startsWith(".");

async function startOf(path: string): Promise<Buffer> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

/** At most `limit` frames, evenly spaced, of a video whose length is not known beforehand. */
async function readVideo(path: string, fitting: Fitting, limit: number): Promise<Picture[]> {
	let kept: Picture[] = [];
	let step = 1;
	let seen = 0;
	try {
		const camera = await openCamera({ source: videoFile(path), ...fitting });
		for (;;) {
			const frames = await camera.take(CHUNK, 0);
			if (frames.length === 0) break;
			for (const { pixels } of frames) {
				if (seen++ % step !== 0) continue;
				if (kept.length === limit) {
					kept = kept.filter((_, i) => i % 2 === 0);
					step *= 2;
					if ((seen - 1) % step !== 0) continue;
				}
				kept.push({ pixels });
			}
		}
		await camera.close();
	} catch (cause) {
		// Here the file is the user's choice and not a camera that may come back.
		if (cause instanceof EdgeError) throw new Mistake(cause.message, { cause });
		throw cause;
	}
	return kept;
}

/** ffmpeg's name for the codec of a picture, from its first bytes. */
export function codecOf(bytes: Uint8Array): string | undefined {
	const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
	if (start.startsWith("\xff\xd8\xff")) return "mjpeg";
	if (start.startsWith("\x89PNG\r\n")) return "png";
	if (start.startsWith("BM")) return "bmp";
	if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "webp";
	return undefined;
}

/** Two processes decode at a time, and nothing is read ahead of them. */
async function* decodeFiles(files: readonly File[], fitting: Fitting): AsyncGenerator<Decoded> {
	const decoded = async (chunk: readonly File[]) => decodeMixed(await Promise.all(chunk.map(readOrNothing)), fitting);
	for (let at = 0; at < files.length; at += 2 * CHUNK) {
		const chunks = [files.slice(at, at + CHUNK), files.slice(at + CHUNK, at + 2 * CHUNK)];
		const pixels = (await Promise.all(chunks.map(decoded))).flat();
		for (const [i, { name, folder }] of chunks.flat().entries()) {
			yield { name, ...(folder === undefined ? {} : { folder }), pixels: pixels[i] };
		}
	}
}

const readOrNothing = ({ read }: File) => read().catch(() => new Uint8Array(0));

async function decodeMixed(pictures: readonly Uint8Array[], fitting: Fitting): Promise<(Uint8Array | undefined)[]> {
	const result: (Uint8Array | undefined)[] = pictures.map(() => undefined);
	const codecs = pictures.map(codecOf);
	for (const codec of new Set(codecs)) {
		if (codec === undefined) continue;
		const indices = pictures.flatMap((_, i) => (codecs[i] === codec ? [i] : []));
		const frames = await decodeAlike(
			codec,
			indices.map((i) => pictures[i]),
			fitting,
		);
		for (const [k, i] of indices.entries()) result[i] = frames[k];
	}
	return result;
}

/** Decodes pictures of one codec in one go; when some are broken, in halves, until it is known which. */
async function decodeAlike(
	codec: string,
	pictures: readonly Uint8Array[],
	fitting: Fitting,
): Promise<(Uint8Array | undefined)[]> {
	const frames = await runFfmpeg(codec, pictures, fitting);
	if (frames.length === pictures.length) return frames;
	if (pictures.length === 1) return [frames[0]];
	const middle = Math.ceil(pictures.length / 2);
	return [
		...(await decodeAlike(codec, pictures.slice(0, middle), fitting)),
		...(await decodeAlike(codec, pictures.slice(middle), fitting)),
	];
}

async function runFfmpeg(codec: string, pictures: readonly Uint8Array[], fitting: Fitting): Promise<Uint8Array[]> {
	const ffmpeg = ffmpegPath();
	const everyFrame = await passthrough(ffmpeg);
	const input = ["-protocol_whitelist", "pipe", "-threads", "1", "-noautorotate", "-err_detect", "explode"];
	// The end of a single picture need not be found: ffmpeg before 4.4 cannot find that of a WebP.
	const whole = pictures.length === 1 ? ["-frame_size", String(pictures[0].length)] : [];
	const from = ["-f", "image2pipe", ...whole, "-c:v", codec, "-i", "pipe:0"];
	const to = [...everyFrame, "-vf", fitFilter(fitting), "-pix_fmt", "gbrp", "-f", "rawvideo", "pipe:1"];
	const child = spawn(ffmpeg, ["-v", "error", "-nostats", ...input, ...from, ...to], {
		stdio: ["pipe", "pipe", "ignore"],
	});
	const chunks: Buffer[] = [];
	child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
	// A decoder that gives up does not read to the end; the missing frames tell.
	child.stdin.on("error", () => {});
	child.stdin.end(Buffer.concat(pictures));
	await new Promise<void>((resolve, reject) => {
		child.on("error", reject);
		child.on("close", () => resolve());
	});
	const size = 3 * fitting.width * fitting.height;
	const bytes = Buffer.concat(chunks);
	return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
		Uint8Array.from(bytes.subarray(i * size, (i + 1) * size)),
	);
}
