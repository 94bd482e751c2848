import type { Config } from "../../config/schema.js";

type Choice = NonNullable<Config["mqtt"]>["predictions"];

/** What it takes to choose among the payloads of `operators/publish.ts`. */
interface Prediction {
	readonly frame: number;
	readonly region?: string;
	readonly label: string;
	readonly domain: string;
	readonly top: unknown;
}

/** Says of one camera's predictions, in the order they are made, which are told and in which form. */
export const selection = ({ form, every, on }: Choice): ((payload: object) => object | undefined) => {
	let frames = -1;
	let last: number | undefined;
	/** What was told last, by region. */
	const told = new Map<string | undefined, string>();
	return (payload) => {
		const { top, ...prediction } = payload as Prediction;
		const { frame, region, label, domain, ...rest } = prediction;
		// Regions are frames of their own with one number: all are told or none.
		if (frame !== last) frames++;
		last = frame;
		if (frames % every !== 0) return undefined;
		const now = JSON.stringify([label, domain]);
		if (on === "change" && told.get(region) === now) return undefined;
		told.set(region, now);
		return form === "full" ? payload : { frame, ...(region !== undefined && { region }), label, ...rest };
	};
};
