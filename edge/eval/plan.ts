import { openBundle } from "../../adapters/bundle.js";
import type { Bundle, Manifest } from "../../operators/types.js";
import { Mistake } from "../mistake.js";
import { isClip, openClip } from "./clip.js";
import { readData } from "./data.js";
import type { Method } from "./method.js";
import { methods as allMethods } from "./methods/methods.js";
import type { Planned } from "./results/progress.js";
import { type Showing, showClip, showPictures } from "./showing.js";
import { streams as allStreams, domainName, domainOf } from "./streams.js";

/** What an evaluation is of; the same gives the same plans, in any process. */
export interface Scope {
	/** Folders of bundles. */
	readonly model: readonly string[];
	/** Folders of class folders or zips of them, and labelled clips. */
	readonly data: readonly string[];
	readonly streams?: readonly string[];
	readonly methods?: readonly string[];
	/** Names, with `:1` to `:5` behind them where the severity is not 5. */
	readonly corruptions: readonly string[];
	readonly seeds: number;
	/** Of each domain in a stream of pictures. */
	readonly frames: number;
}

/** All runs of one model: every stream and seed with every method that can be used with it. */
export interface Plan {
	readonly bundle: Bundle;
	/** As in tables. */
	readonly model: string;
	readonly showings: readonly Showing[];
	readonly methods: readonly Method[];
	/** Hashes of the data, in order. */
	readonly data: readonly string[];
	/** Sentences for people. */
	readonly remarks: readonly string[];
	close(): Promise<void>;
}

/** The methods that stand for all that are parts of another. */
const ABLATION = "ablation";

/**
 * What is to be run of each model.
 * @throws {Mistake} for whatever there is not
 */
export async function plansFor(scope: Scope): Promise<Plan[]> {
	const plans: Plan[] = [];
	try {
		for (const folder of scope.model) {
			const plan = await planFor(folder, scope);
			plans.push(plan);
			if (plans.some((other) => other !== plan && other.model === plan.model)) {
				throw new Mistake(`${folder}: a second model called ${plan.model}`);
			}
		}
	} catch (error) {
		await closeAll(plans);
		throw error;
	}
	return plans;
}

export const closeAll = async (plans: readonly Plan[]): Promise<void> => {
	for (const plan of plans) await plan.close();
};

export const planned = (plan: Plan): Planned[] =>
	plan.showings.flatMap((showing) => plan.methods.map((method) => runOf(plan, showing, method)));

/** The run of a method in a showing. */
export const runOf = ({ model }: Plan, { stream, seed, frames }: Showing, method: Method): Planned => ({
	model,
	stream,
	method: method.name,
	seed,
	frames,
});

async function planFor(folder: string, scope: Scope): Promise<Plan> {
	const streams = chosen("stream", scope.streams, allStreams);
	const methods = methodsFor(scope.methods);
	const domains = scope.corruptions.map(domainOf);
	const twice = domains.map(domainName).find((name, i, all) => all.indexOf(name) !== i);
	if (twice !== undefined) throw new Mistake(`the corruption ${twice} is named twice`);
	const seeds = Array.from({ length: scope.seeds }, (_, i) => i + 1);

	const bundle = await openBundle(folder);
	const { manifest } = bundle;
	const reasons = methods.map((method) => ({ method, why: method.refuses(manifest) }));
	const without = reasons.flatMap(({ method, why }) => (why === undefined ? [] : [`${method.name} (${why})`]));
	const showings: Showing[] = [];
	const hashes: string[] = [];
	const remarks: string[] = [];
	const opened: { close(): Promise<void> }[] = [];
	const close = async () => {
		for (const one of opened) await one.close();
	};
	const add = (path: string, { hash, remarks: own }: { hash: string; remarks: readonly string[] }, all: Showing[]) => {
		const same = all.find(({ stream }) => showings.some((other) => other.stream === stream));
		if (same) throw new Mistake(`${path}: a second stream called ${same.stream}; evaluate one of them at a time`);
		showings.push(...all);
		hashes.push(hash);
		remarks.push(own.join("; "));
	};
	try {
		for (const path of scope.data) {
			if (await isClip(path)) {
				const clip = await openClip(path, bundle);
				const all = seeds.map((seed) => showClip(clip, seed));
				add(path, clip, all);
			} else {
				const data = await readData(path, bundle);
				opened.push(data);
				const all = streams.flatMap((stream) =>
					seeds.map((seed) => showPictures(stream, data, manifest.input, { domains, frames: scope.frames, seed })),
				);
				add(path, data, all);
			}
		}
	} catch (error) {
		await close();
		throw error;
	}
	return {
		bundle,
		model: `${manifest.name} ${weights(manifest)}`,
		showings,
		methods: reasons.flatMap(({ method, why }) => (why === undefined ? [method] : [])),
		data: hashes,
		remarks: [...remarks, ...(without.length > 0 ? [`without ${without.join(", ")}`] : [])],
		close,
	};
}

const weights = ({ bits }: Manifest) => (bits === 32 ? "float" : `W${bits}A${bits}`);

/** Those asked for; of a part also the whole, which it is compared with. */
export function methodsFor(
	names: readonly string[] | undefined,
	all: readonly Method[] = allMethods,
): readonly Method[] {
	const parts = all.filter(({ ablates }) => ablates !== undefined);
	if (names === undefined) return all.filter((method) => !parts.includes(method));
	const group = parts.length > 0 && names.includes(ABLATION) ? parts : [];
	const own = chosen("method", group.length > 0 ? names.filter((name) => name !== ABLATION) : names, all);
	const asked = new Set([...own, ...group]);
	const wholes = new Set([...asked].map(({ ablates }) => ablates));
	return all.filter((method) => asked.has(method) || wholes.has(method.name));
}

function chosen<T extends { readonly name: string }>(
	kind: string,
	names: readonly string[] | undefined,
	all: readonly T[],
): readonly T[] {
	const twice = names?.find((name, i) => names.indexOf(name) !== i);
	if (twice !== undefined) throw new Mistake(`the ${kind} ${twice} is named twice`);
	return (
		names?.map((name) => {
			const found = all.find((one) => one.name === name);
			if (found) return found;
			throw new Mistake(`there is no ${kind} called ${name}; expected ${all.map((one) => one.name).join(", ")}`);
		}) ?? all
	);
}
