import { access, constants, readdir, stat } from "node:fs/promises";
import { extname } from "node:path";
import { CameraError, type CameraReason } from "../../operators/types.js";
import type { File, Pictures, Source } from "./source.js";

/** Kinds of pictures by the endings of their names, with ffmpeg's pattern for them. */
const KINDS: readonly (readonly [endings: readonly string[], pattern: string])[] = [
	[[".jpg", ".jpeg"], "*.[jJ][pP]*[gG]"],
	[[".png"], "*.[pP][nN][gG]"],
	[[".bmp"], "*.[bB][mM][pP]"],
	[[".webp"], "*.[wW][eE][bB][pP]"],
];

/**
 * Looks at what a path leads to, and refuses what ffmpeg need not be asked about.
 * @throws {CameraError} when there is nothing to be read
 */
export async function located(source: Source): Promise<Source> {
	if (source.kind !== "file") return source;
	const { file } = source;
	const refuse = (reason: CameraReason, sentence: string): never => {
		throw new CameraError(reason, `${file} ${sentence}`);
	};
	const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT" || error.code === "ENOTDIR") return refuse("not-found", "does not exist");
		return refuse("unreadable", `cannot be read: ${error.message}`);
	});
	if (!found.isFile() && !found.isDirectory()) refuse("unreadable", "is not a file");
	if (found.isFile() && found.size === 0) refuse("unreadable", "is empty");
	await access(file, constants.R_OK).catch(() => refuse("auth", "may not be read: permission denied"));
	return found.isDirectory() ? pictures(source, await readdir(file), refuse) : source;
}

function pictures(
	source: File,
	names: readonly string[],
	refuse: (reason: CameraReason, sentence: string) => never,
): Pictures {
	const endings = new Set(names.filter((name) => !name.startsWith(".")).map((name) => extname(name).toLowerCase()));
	const kinds = KINDS.filter(([known]) => known.some((ending) => endings.has(ending)));
	if (kinds.length === 0) return refuse("unreadable", "is a folder without pictures");
	if (kinds.length > 1) {
		const found = kinds.map(([known]) => known[0]).join(" and ");
		return refuse("unreadable", `is a folder of pictures of several kinds: ${found}`);
	}
	return { ...source, kind: "pictures", pattern: kinds[0][1] };
}
