import { type PrepareOptions, prepare } from "./prepare.js";
import { describeReport } from "./report.js";

type Options = Omit<PrepareOptions, "model"> & { readonly json?: boolean };

/** `acclimate prepare`: tells of each step and at the end how the bundle compares; for programs, prints the manifest alone. */
export const prepareCommand = async (model: string, { json, ...options }: Options): Promise<void> => {
	const { manifest, report } = await prepare(
		{ ...options, model },
		json ? () => {} : (sentence) => console.log(sentence),
	);
	console.log(json ? JSON.stringify(manifest) : `\n${describeReport(report)}`);
};
