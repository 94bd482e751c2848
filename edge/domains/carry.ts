import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { openStore } from "../../adapters/bank.js";
import { openBundle } from "../../adapters/bundle.js";
import { stemChannels } from "../../operators/detect.js";
import type { Bundle } from "../../operators/types.js";
import { bankOf, isPublished, modelAndWay } from "../bank.js";
import { Mistake } from "../mistake.js";
import { type Carried, LARGEST, readBack, written } from "./file.js";

interface Options {
	readonly store: string;
	/** Folder of the model's bundle. */
	readonly model: string;
	readonly camera?: string;
}

/** Errors that come after the file was begun. */
const WRITING = ["ENOSPC", "EDQUOT", "EIO", "EFBIG"];

const onWarning = (message: string) => void process.stderr.write(`${message}\n`);

/**
 * Writes the domains that were learned with a model to a file, those of one camera or of all.
 * @throws {EdgeError} `bank` when there is no store, `bundle` when there is no model
 * @throws {Mistake} when there is nothing to be written, or a file already
 */
export const exportDomains = async (file: string, { store: directory, model, camera }: Options): Promise<void> => {
	const { manifest } = await openBundle(model);
	const store = openStore({ directory, readOnly: true, onWarning });
	const domains: Carried[] = [];
	try {
		for (const { bundle, camera: name } of store.list()) {
			const { model: sha256, way } = modelAndWay(bundle);
			if (sha256 !== manifest.model.sha256 || (camera !== undefined && name !== camera)) continue;
			for (const domain of await store.bank(bundle, name).domains()) domains.push({ camera: name, way, domain });
		}
	} finally {
		await store.close();
	}
	const whose = camera === undefined ? "" : ` of a camera called ${camera}`;
	if (domains.length === 0)
		throw new Mistake(`${directory} holds no domain${whose} that was learned with the model in ${model}`);
	const text = written(manifest.model.sha256, domains);
	if (Buffer.byteLength(text) > LARGEST)
		throw new Mistake(`${domains.length} domains are more than fit in one file: export them by --camera`);
	await writeFile(file, text, { flag: "wx" }).catch(async (error: NodeJS.ErrnoException) => {
		// Half of a file is of no use, and would be in the way of the next export. Other errors come before there is one.
		if (WRITING.includes(error.code ?? "")) await rm(file, { force: true }).catch(() => {});
		const reasons: Record<string, string> = { EEXIST: "exists already", ENOENT: "is in no folder that exists" };
		throw new Mistake(`${file} ${reasons[error.code ?? ""] ?? `cannot be written (${error.code})`}`);
	});
	console.log(`${file}: ${domains.length} domain(s) of ${list(domains.map((one) => one.camera))}`);
};

/**
 * Takes the domains of such a file into a store, under the cameras' names or that of one camera.
 * @throws {Mistake} when the file is damaged, newer, too large, of another model, or would write over what is there
 * @throws {EdgeError} `bank` when the store is full or cannot be opened, `bundle` when there is no model
 */
export const importDomains = async (
	file: string,
	{ store: directory, model, camera, replace }: Options & { readonly replace?: boolean },
): Promise<void> => {
	const bundle = await openBundle(model);
	const read = readBack(await contents(file), shapeOf(bundle, model));
	if ("problem" in read) throw new Mistake(`${file} ${read.problem}`);
	const domains = camera === undefined ? read.domains : renamed(file, read.domains, camera);
	const store = openStore({ directory, onWarning });
	try {
		const bankFor = ({ camera: name, way }: Carried) => store.bank(bankOf(bundle.manifest.model.sha256, way), name);
		const there: string[] = [];
		for (const one of domains)
			if ((await bankFor(one).domains()).some(({ id }) => id === one.domain.id))
				there.push(`${one.domain.id} of ${one.camera}`);
		if (there.length > 0 && !replace)
			throw new Mistake(
				`${directory} already holds ${list(there)}: --replace writes over them, --camera puts them elsewhere`,
			);
		for (const one of domains) await bankFor(one).put(one.domain);
		console.log(
			`${directory}: ${domains.length} domain(s) of ${list(domains.map((one) => one.camera))}, taken up when the daemon starts next`,
		);
	} finally {
		await store.close();
	}
};

const shapeOf =
	({ manifest }: Bundle, folder: string): Parameters<typeof readBack>[1] =>
	(sha256) =>
		sha256 === manifest.model.sha256
			? {
					affine: manifest.affine,
					features: manifest.features,
					channels: (way) => stemChannels(manifest, isPublished(way)),
				}
			: {
					problem: `was learned with another model (${sha256.slice(0, 12)}) than the one in ${folder} (${manifest.model.sha256.slice(0, 12)}), and fits only that`,
				};

const renamed = (file: string, domains: readonly Carried[], camera: string): Carried[] => {
	const from = new Set(domains.map((one) => one.camera));
	if (from.size > 1)
		throw new Mistake(
			`${file} holds domains of ${list([...from])}: only those of one camera can go to --camera ${camera}`,
		);
	return domains.map((one) => ({ ...one, camera }));
};

const contents = async (file: string): Promise<string> => {
	try {
		const found = await stat(file);
		if (!found.isFile() && !found.isDirectory()) throw new Mistake(`${file} is not a file`);
		if (found.size > LARGEST) throw new Mistake(`${file} is larger than ${LARGEST / 2 ** 20} MiB: no export is`);
		return await readFile(file, "utf8");
	} catch (error) {
		if (error instanceof Mistake) throw error;
		const { code } = error as NodeJS.ErrnoException;
		const reasons: Record<string, string> = { ENOENT: "does not exist", EISDIR: "is a folder" };
		throw new Mistake(`${file} ${reasons[code ?? ""] ?? `cannot be read (${code})`}`);
	}
};

/** Names, each once, the first few of them. */
const list = (names: readonly string[]): string => {
	const all = [...new Set(names)];
	return all.length > 5 ? `${all.slice(0, 5).join(", ")} and ${all.length - 5} more` : all.join(", ");
};
