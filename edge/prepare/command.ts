import { type PrepareOptions, prepare } from "./prepare.js";

type Options = Omit<PrepareOptions, "model" | "sites"> & { readonly sites?: string; readonly json?: boolean };

/** `acclimate prepare`: tells of each step, and at the end, for programs, prints the manifest. */
export const prepareCommand = async (model: string, { json, sites, ...options }: Options): Promise<void> => {
	const manifest = await prepare(
		{ ...options, model, ...(sites !== undefined && { sites: sites.split(",").map((name) => name.trim()) }) },
		json ? () => {} : (sentence) => console.log(sentence),
	);
	if (json) console.log(JSON.stringify(manifest));
};
