import type { Site } from "../../operators/types.js";
import { table } from "../table.js";

/** How a prepared model compares with the one it was made from, on calibration frames that were held back. */
export interface Report {
	/** How many frames were held back. */
	readonly frames: number;
	/** Share of them for which both models name the same class. */
	readonly agreement: number;
	/** Differences of logits, over all frames and classes. */
	readonly logitError: { readonly max: number; readonly rms: number };
	/** Share of right answers, where folders tell the classes. */
	readonly labelled?: { readonly float: number; readonly prepared: number };
	/** Relative RMS error of what a layer puts out, worst first. */
	readonly layers: readonly Layer[];
	/** Of the ONNX files. */
	readonly bytes: { readonly float: number; readonly prepared: number };
	/** A frame, medians; `quantized` is the same model not opened for adaptation, absent where nothing was quantized. */
	readonly milliseconds: { readonly float: number; readonly quantized?: number; readonly adaptable: number };
	/** What being adaptable costs: median ratio of the adaptable model's time to that of the same model closed, less one. */
	readonly opening: number;
	readonly sites: readonly Pick<Site, "name" | "kind" | "channels" | "positions" | "perturbed">[];
	/** F, how many features of a frame the loss compares. */
	readonly taps: number;
	/** P, how many numbers adaptation may move. */
	readonly parameters: number;
}

export interface Layer {
	readonly name: string;
	/** Such as `Conv` or `MatMul`. */
	readonly kind: string;
	readonly error: number;
}

/** Name of the report in a bundle. */
export const REPORT_FILE = "report.json";

/** Bytes of `report.json`. */
export const encodeReport = (report: Report): string => `${JSON.stringify({ schema: 1, ...report }, null, "\t")}\n`;

const WORST = 5;

/** The report for a terminal. */
export function describeReport(report: Report): string {
	const { agreement, frames, logitError, layers, sites, taps, parameters } = report;
	const worst = layers.slice(0, WORST).map(({ name, kind, error }) => [name, kind, fixed(100 * error, 2)]);
	return [
		costs(report),
		`agrees with the original on ${fixed(100 * agreement, 1)} % of ${frames} held-back pictures; logit error ${fixed(logitError.max, 3)} at most, ${fixed(logitError.rms, 3)} RMS`,
		...(worst.length > 0 ? [table(["furthest from the original", "kind", "error %"], worst)] : []),
		`${describeSites(sites)}; ${taps} taps, ${parameters} parameters`,
	].join("\n\n");
}

/** What the model costs and gives before and after, a column for each stage of it. */
function costs({ milliseconds, bytes, labelled, opening }: Report): string {
	const { float, quantized, adaptable } = milliseconds;
	const columns = [float, ...(quantized === undefined ? [] : [quantized]), adaptable];
	const ends = (first: string, last: string) => [first, ...columns.slice(2).map(() => ""), last];
	const rows = [
		["ms a frame", ...columns.map((time) => fixed(time, 2))],
		["time, of the original", ...columns.map((time) => `×${fixed(time / float, 2)}`)],
		["size, MB", ...ends(fixed(bytes.float / 1e6, 2), fixed(bytes.prepared / 1e6, 2))],
		...(labelled
			? [["right answers, %", ...ends(fixed(100 * labelled.float, 1), fixed(100 * labelled.prepared, 1))]]
			: []),
	];
	const middle = quantized === undefined ? ["adaptable"] : ["quantized", "quantized + adaptable"];
	return `${table(["", "float", ...middle], rows)}\n\n${costOf(opening)}`;
}

/** Below this share two times are the same: what is measured varies by as much. */
const NOTHING = 0.01;

const costOf = (opening: number): string =>
	opening < NOTHING
		? "being adaptable costs no time that can be measured"
		: `being adaptable makes a frame take ${fixed(100 * opening, 1)} % longer`;

/** Such as `1 stem, 25 norms, 10 perturbed`. */
function describeSites(sites: Report["sites"]): string {
	const kinds = [...new Set(sites.map(({ kind }) => kind))].map((kind) => {
		const count = sites.filter((site) => site.kind === kind).length;
		return `${count} ${kind}${count === 1 ? "" : "s"}`;
	});
	return `sites: ${[...kinds, `${sites.filter(({ perturbed }) => perturbed).length} perturbed`].join(", ")}`;
}

/** Empty where there is no number, as on no frames at all. */
const fixed = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : "");
