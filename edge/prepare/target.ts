/** The folder that a bundle goes to: whether it may, and how it gets there in one move. */

import { randomBytes } from "node:crypto";
import { access, constants, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isAlive } from "../../adapters/claim.js";
import { EdgeError } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { REPORT_FILE } from "./report.js";

const MANIFEST_FILE = "manifest.json";
const REPLACEABLE = "expected a new or empty folder, or a bundle to replace";

/**
 * Refuses what no bundle may be written to, before the work is done rather than after. Creates nothing.
 * @throws {Mistake} when `out` is a file, a folder of something else than a bundle, or in a place that cannot be written to
 */
export async function checkTarget(out: string): Promise<void> {
	if (out === "") throw new Mistake(`--out: ${REPLACEABLE}, got nothing`);
	const target = await followed(out);
	const found = await lstat(target).catch(absent(out));
	if (found?.isSymbolicLink()) throw new Mistake(`${out} is a link to nothing; ${REPLACEABLE}`);
	if (found && !found.isDirectory()) throw new Mistake(`${out} is a file; ${REPLACEABLE}`);
	if (found) await checkFolder(out, target);
	const parent = await nearest(dirname(target));
	if (!(await stat(parent)).isDirectory()) throw new Mistake(`${out}: ${parent} is a file; expected a folder there`);
	await access(parent, constants.W_OK | constants.X_OK).catch((cause) => {
		throw new Mistake(`${out}: nothing can be written to ${parent} (${cause.code})`, { cause });
	});
}

/** Whatever the folder is replaced by, nothing but a bundle may be lost. */
async function checkFolder(out: string, target: string): Promise<void> {
	const names = await readdir(target).catch(absent(out));
	if ((await stat(target)).dev !== (await stat(dirname(target))).dev) {
		throw new Mistake(
			`${out} is a mounted volume, which cannot be replaced; expected a folder, one inside it for example`,
		);
	}
	if (!names || names.length === 0) return;
	const own = await filesOfBundle(target);
	const [other = MANIFEST_FILE] = names.filter((name) => name !== MANIFEST_FILE).sort();
	if (!own) throw new Mistake(`${out} is a folder with ${other} in it and no bundle; ${REPLACEABLE}`);
	const foreign = names.find((name) => !own.includes(name));
	if (foreign) throw new Mistake(`${out} is a bundle with ${foreign} beside it, which would be lost; ${REPLACEABLE}`);
}

/** Names of the files that a bundle of ours, of whatever format, consists of; undefined where there is none. */
async function filesOfBundle(folder: string): Promise<string[] | undefined> {
	const text = await readFile(join(folder, MANIFEST_FILE), "utf8").catch(() => "");
	try {
		const { format, model, look, source } = JSON.parse(text);
		// Before format 2 there was no look.
		const named = [model.file, ...(look ? [look.file] : []), source.file];
		const ours = Number.isInteger(format) && named.every((name) => typeof name === "string");
		// Finder leaves the last one in every folder it shows.
		return ours ? [MANIFEST_FILE, REPORT_FILE, ...named, ".DS_Store"] : undefined;
	} catch {
		return undefined;
	}
}

/** Writes a file of the new folder. */
export type Write = (name: string, bytes: Uint8Array | string) => Promise<void>;

/**
 * Puts a folder in the place of `out`: it is written beside it under another name and renamed when all of it is on the disk,
 * so that `out` is always whole, as it was or as it will be. Only a power failure between two renames can leave it missing;
 * what it was is then beside it, as `<out>.old-…`.
 * @param fill writes the files
 * @throws {EdgeError} `bundle` when the disk is full or the like; nothing is left behind and `out` is as it was
 */
export async function replaceFolder(out: string, fill: (write: Write) => Promise<void>): Promise<void> {
	await checkTarget(out);
	const target = await followed(out);
	const mark = `${process.pid}-${randomBytes(4).toString("hex")}`;
	const partial = `${target}.partial-${mark}`;
	try {
		await mkdir(dirname(target), { recursive: true });
		await clearAbandoned(target).catch(() => {});
		await mkdir(partial);
		await fill((name, bytes) => writeDurably(join(partial, name), bytes));
		await makeDurable(partial);
		await swap(partial, target, `${target}.old-${mark}`);
	} catch (cause) {
		await rm(partial, { recursive: true, force: true }).catch(() => {});
		const { code } = cause as NodeJS.ErrnoException;
		if (typeof code !== "string" || cause instanceof EdgeError) throw cause;
		const why = code === "ENOSPC" ? "the disk is full" : code;
		throw new EdgeError("bundle", `${out}: cannot be written (${why})`, { cause });
	}
}

/** Removes what processes that were killed while they wrote have left beside the target. */
async function clearAbandoned(target: string): Promise<void> {
	for (const name of await readdir(dirname(target))) {
		const [, folder, pid] = /^(.*)\.partial-(\d+)-[0-9a-f]{8}$/s.exec(name) ?? [];
		if (folder === basename(target) && !isAlive(Number(pid)))
			await rm(join(dirname(target), name), { recursive: true, force: true });
	}
}

async function swap(partial: string, target: string, old: string): Promise<void> {
	const replaces = await rename(target, old).then(() => true, absent(target));
	try {
		await rename(partial, target);
	} catch (cause) {
		if (replaces) await rename(old, target);
		throw cause;
	}
	await makeDurable(dirname(target));
	// The bundle is in its place: that the old one cannot be removed is no failure any more.
	if (replaces) await rm(old, { recursive: true, force: true }).catch(() => {});
}

async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
	const file = await open(path, "wx");
	try {
		await file.writeFile(bytes);
		await file.sync();
	} finally {
		await file.close();
	}
}

/** Makes names in a folder outlast a power failure, on the systems that can. */
async function makeDurable(folder: string): Promise<void> {
	const handle = await open(folder, "r").catch(() => undefined);
	await handle?.sync().catch(() => {});
	await handle?.close();
}

/** Where a path leads to once links are followed, so that a link stays one when what is behind it is replaced. */
const followed = (path: string) => realpath(path).catch(() => resolve(path));

/** The path, or the first above it where there is something. */
const nearest = async (path: string): Promise<string> =>
	(await stat(path).catch(absent(path))) ? path : nearest(dirname(path));

/** Passes over there being nothing. */
const absent = (path: string) => (cause: NodeJS.ErrnoException) => {
	if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
	throw new Mistake(`${path}: cannot be read (${cause.code})`, { cause });
};
