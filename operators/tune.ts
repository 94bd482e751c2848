import { concatMap, map, type OperatorFunction, pipe } from "rxjs";
import { type Plan, planOf } from "./anatomy.js";
import { packed } from "./batch.js";
import { unfinished } from "./knowledge.js";
import type { Sweeping } from "./settings.js";
import type { Camera, Frame, Knowledge, Model, Recalled, Tuning } from "./types.js";
import { offered } from "./zoa/memory.js";
import { learned } from "./zoa/mix.js";
import { isMixture } from "./zoa/mixture.js";
import { advancedSweep, attempted, begunSweep, betterOf, gainOf } from "./zoa/sweep.js";
import { minus, norm, plus, rows, type Vector, zeros } from "./zoa/vector.js";

/** Frames that a domain keeps for its sweeps. */
const KEPT = 32;

/** How much later in a domain, in frames, the next sweep is than the one before. */
const LATER = 4;

/** Frames that a sweep passes through the model at once. */
const BATCH = 8;

/**
 * Aligns the model to the present domain in sweeps from front to back (zoa/sweep.ts) over frames that were kept of it: soon
 * after it began, and then ever more rarely, each time beginning at the source, so that nothing is kept that has become
 * worse than doing nothing.
 */
export const tune = (model: Model, camera: Camera, sweeping: Sweeping): OperatorFunction<Recalled, Recalled> => {
	const plan = planOf(model.bundle, sweeping.without);
	return pipe(begin(plan), remember(sweeping), sweep(model, camera, plan, sweeping));
};

/**
 * Another domain begins with the parameters that its first batch was found to be predicted best with, unless it was
 * recognized by that batch alone and has its own.
 */
const begin = ({ source }: Plan): OperatorFunction<Recalled, Recalled> =>
	map((step) => {
		if (step.verdict !== "changed" || step.domainEvent === "matched") return step;
		const alignment = minus(minus(step.affine, source), learned(step.knowledge.mix));
		return { ...step, knowledge: { ...step.knowledge, alignment } };
	});

/** Each frame offered to what is kept of the domain, unless the domain is in doubt. */
const remember = ({ without }: Sweeping): OperatorFunction<Recalled, Recalled> =>
	map((step) => {
		if (step.verdict === "odd") return step;
		const { activations, frames, predictions, knowledge } = step;
		let { pictures, random, tuned } = knowledge;
		const features = rows(activations.features, activations.features.length / frames.length);
		predictions.forEach(({ frame, probabilities }, i) => {
			const picture = { frame, probabilities, features: features[i].slice() };
			if (without === "balance") pictures = { ...pictures, kept: [...pictures.kept, picture].slice(-KEPT) };
			else if (!pictures.kept.some((kept) => isAlike(kept.features, picture.features)))
				[pictures, random] = offered(pictures, picture, random, KEPT);
		});
		tuned = { ...tuned, frames: tuned.frames + frames.length };
		return { ...step, knowledge: { ...knowledge, pictures, random, tuned } };
	});

/** Distance of two frames' features, as a share of their length, under which they show the same again. */
const ALIKE = 0.1;

const isAlike = (a: Vector, b: Vector): boolean => norm(minus(a, b)) <= ALIKE * norm(a);

/** Frames that learning may pass through the model at once, before it has to wait for its share. */
const BURST = 1024;

/** Passes go between the live ones, a share of them; from a live source one is let in only when no batch waits. */
const sweep = (model: Model, camera: Camera, plan: Plan, { cpu }: Sweeping): OperatorFunction<Recalled, Recalled> => {
	let credit = BURST;
	return concatMap(async ({ knowledge: before, ...round }) => {
		const live = round.frames.length;
		credit = Math.min(BURST, credit + (live * cpu) / (1 - cpu));
		let knowledge = begun(before, plan);
		while (knowledge.tuning && credit >= BATCH && !(camera.live && camera.waiting >= live)) {
			knowledge = await advanced(knowledge, knowledge.tuning, model, plan);
			credit -= BATCH;
		}
		return { ...round, knowledge };
	});
};

/** A sweep begun when the domain is due for one. */
const begun = (knowledge: Knowledge, plan: Plan): Knowledge => {
	const { tuned, tuning, pictures, alignment } = knowledge;
	const isFirst = tuned.sweeps === 0;
	// All sites only from frames enough: until then the stem, which hardly depends on what is in view.
	if (tuning || tuned.frames < tuned.next || (!isFirst && pictures.kept.length < KEPT)) return knowledge;
	const others = alignment.some((a) => a !== 0) ? [alignment] : [];
	const frames = pictures.kept.map(({ frame }) => frame);
	return {
		...knowledge,
		tuned: { ...tuned, sweeps: tuned.sweeps + 1, next: isFirst ? 0 : LATER * tuned.frames },
		tuning: { frames, sweep: begunSweep(plan, isFirst ? 1 : undefined), others, tried: [], done: [] },
	};
};

/** One more batch of the pass under way; a complete pass decides what comes next. */
const advanced = async (knowledge: Knowledge, tuning: Tuning, model: Model, plan: Plan): Promise<Knowledge> => {
	const alignment = next(tuning) as Vector;
	const from = BATCH * tuning.done.length;
	const frames: readonly Frame[] = tuning.frames.slice(from, from + BATCH);
	const done = [...tuning.done, await model.forward(packed(frames), plus(plan.source, alignment))];
	if (from + frames.length < tuning.frames.length) return { ...knowledge, tuning: { ...tuning, done } };
	if (!tuning.sweep.source && isMixture(done.flatMap(plan.stemsOf), plan.ready))
		return settled(knowledge, plan, undefined);
	const measurement = plan.measurementOf(done);
	const after: Tuning = tuning.sweep.trial
		? { ...tuning, done: [], sweep: advancedSweep(tuning.sweep, measurement, plan) }
		: {
				...tuning,
				done: [],
				others: tuning.others.slice(1),
				tried: [...tuning.tried, attempted(alignment, measurement, plan)],
			};
	return next(after) ? { ...knowledge, tuning: after } : settled(knowledge, plan, after);
};

/** What the next pass is made with: what the sweep asks for and, where it found that the source will not do, the others. */
const next = ({ sweep, others }: Tuning): Vector | undefined =>
	sweep.trial?.alignment ?? (sweep.from > 0 ? others[0] : undefined);

/** The sweep's outcome put to use; without one nothing fits all frames, and the source's own parameters have to do. */
const settled = (knowledge: Knowledge, plan: Plan, tuning: Tuning | undefined): Knowledge => {
	const { source, latest } = tuning?.sweep ?? {};
	const found = source && latest && betterOf(source, [latest, ...(tuning?.tried ?? [])], plan);
	const { counts, domain } = knowledge;
	return {
		...knowledge,
		alignment: found?.alignment ?? zeros(plan.source.length),
		gain: source && found ? gainOf(source, found, plan) : 0,
		tuning: undefined,
		...unfinished,
		domain: { ...domain, steps: domain.steps + 1 },
		counts: { ...counts, steps: counts.steps + 1 },
	};
};
