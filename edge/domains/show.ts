import { openStore } from "../../adapters/bank.js";
import type { DomainRecord } from "../../operators/types.js";
import { affinePart, smoothingOf, whole } from "../../operators/zoa/smoothing.js";
import { norm } from "../../operators/zoa/vector.js";
import { Mistake } from "../mistake.js";
import { table } from "../table.js";

interface Options {
	readonly store: string;
	readonly json?: boolean;
}

const rounded = (value: number): number => Math.round(value * 1e3) / 1e3;

/** A record in words and numbers: what a person can make something of. */
const described = (camera: string, bundle: string, record: DomainRecord) => {
	const alignment = whole(record.alignment);
	return {
		camera,
		model: bundle.slice(0, 12),
		id: record.id,
		name: record.name,
		visits: record.visits,
		steps: record.steps,
		alignment: rounded(norm(affinePart(alignment))),
		smoothing: smoothingOf(alignment),
		learned: rounded(norm(record.vector)),
		...(record.gain !== undefined && { gain: rounded(record.gain) }),
		madeAt: new Date(record.madeAt).toISOString(),
		lastUsedAt: new Date(record.lastUsedAt).toISOString(),
	};
};

const everything = async (directory: string) => {
	const store = openStore({ directory, readOnly: true, onWarning: (message) => process.stderr.write(`${message}\n`) });
	try {
		const banks = store.list();
		const records = banks.map(async ({ bundle, camera }) =>
			(await store.bank(bundle, camera).domains()).map((record) => described(camera, bundle, record)),
		);
		return (await Promise.all(records)).flat();
	} finally {
		await store.close();
	}
};

/**
 * Prints every domain of a store.
 * @throws {EdgeError} `bank` when there is no store
 */
export const list = async ({ store, json }: Options): Promise<void> => {
	const domains = await everything(store);
	if (json) console.log(JSON.stringify(domains));
	else if (domains.length === 0)
		console.log(`no domain has been stored in ${store} yet: the first is when the picture changes for another`);
	else console.log(asTable(domains));
};

/**
 * Prints the domains of a camera, or one of them.
 * @throws {Mistake} when there is no such camera or domain
 */
export const show = async (camera: string, id: string | undefined, { store, json }: Options): Promise<void> => {
	const all = await everything(store);
	const domains = all.filter((domain) => domain.camera === camera && (id === undefined || domain.id === id));
	if (domains.length === 0) {
		const known = [...new Set(all.map((domain) => (domain.camera === camera ? domain.id : domain.camera)))];
		throw new Mistake(
			`no domain ${id === undefined ? "" : `${id} `}of a camera called ${camera} in ${store}; there is ${known.join(", ") || "nothing"}`,
		);
	}
	if (json) console.log(JSON.stringify(domains));
	else
		for (const domain of domains)
			console.log(
				Object.entries(domain)
					.map(([key, value]) => `${key.padEnd(11)} ${value}`)
					.join("\n"),
				"\n",
			);
};

const asTable = (domains: readonly ReturnType<typeof described>[]) =>
	table(
		["camera", "id", "name", "visits", "steps", "alignment", "smoothing", "learned", "gain", "last used", "model"],
		domains.map((d) => [
			d.camera,
			d.id,
			d.name,
			String(d.visits),
			String(d.steps),
			String(d.alignment),
			String(d.smoothing),
			String(d.learned),
			String(d.gain ?? ""),
			d.lastUsedAt,
			d.model,
		]),
	);
