import { map, type OperatorFunction } from "rxjs";
import { sourceTheta } from "./forward.js";
import { affineOf, unfinished } from "./knowledge.js";
import type { Learning } from "./settings.js";
import type { Bundle, Knowledge, Measured, Recalled, Source } from "./types.js";
import { aligned, beyond } from "./zoa/align.js";
import { classMix, emptyMemory, isFull, type Memory, offered } from "./zoa/memory.js";
import { channelsOf, pooled, type RawMoments } from "./zoa/moments.js";
import { combination, isZero, minus, norm, rows, type Vector } from "./zoa/vector.js";

/**
 * Frames of a new domain after which the stem's alignment is left alone. The stem's moments hardly depend on the
 * classes in view and lie before everything that learning moves, so a few frames are enough.
 */
const STEM_FRAMES = 32;

/**
 * Relative movement of θ under which the alignment stays as it is, so that windows of one θ, and with them
 * zeroth-order steps, come about.
 */
const SETTLED = 0.02;

/**
 * Aligns stem and norms in closed form from a memory of moments that inference had computed anyway (zoa.md, "known to
 * work better"), in two stages: at once the stem; then, from a memory of frames that were predicted with it, the norms.
 * What was measured downstream of a stem that has just moved says nothing about the norms, nor do the classes that an
 * unaligned model sees.
 */
export const align = (bundle: Bundle, { gate }: Learning): OperatorFunction<Recalled, Recalled> =>
	map((step) => {
		if (step.verdict === "odd") return step;
		const knowledge = withFrames(step.knowledge, step, bundle);
		return {
			...step,
			knowledge:
				knowledge.aligning === "stem" ? stemAligned(knowledge, bundle, gate) : normsAligned(knowledge, bundle, gate),
		};
	});

/** Offers each frame of the round to the memory. */
const withFrames = (knowledge: Knowledge, { activations, predictions }: Recalled, bundle: Bundle): Knowledge => {
	const sites = rows(activations.sites, bundle.source.sites.length);
	let { memory, random } = knowledge;
	predictions.forEach(({ probabilities }, i) => {
		[memory, random] = offered(memory, { probabilities, sites: sites[i].slice() }, random);
	});
	return { ...knowledge, memory, random };
};

/** Source moments of the classes that the memory holds, in the proportions in which it holds them, where they are known. */
const target = (memory: Memory, source: Source): RawMoments => {
	const classes = rows(source.sitesByClass, source.sites.length);
	return classes.length > 1 ? combination(classMix(memory), classes) : source.sites;
};

/**
 * The alignment that a memory asks for: the stem's, where it is out of line by more than the gate, and with `norms` that
 * of every norm that is. While the stem is in line the picture is the source's, and what the norms show is the classes
 * in view.
 */
const proposal = (memory: Memory<Measured>, bundle: Bundle, gate: number, norms: boolean): Vector => {
	const { sites } = bundle.manifest;
	const theta = sourceTheta(bundle);
	const wanted = target(memory, bundle.source);
	const [stem] = sites;
	const stemOf = (raw: RawMoments) => channelsOf(raw, 0, stem.channels);
	const seen = pooled(memory.kept.map((frame) => stemOf(frame.sites)));
	const alignment = aligned([stem], theta, seen, stemOf(wanted), beyond(gate));
	if (!norms || isZero(alignment)) return alignment;
	const measured = pooled(memory.kept.map((frame) => frame.sites));
	return aligned(sites, theta, measured, wanted, beyond(gate));
};

/** First stage: the stem after every batch; its last one begins the second, with a memory of its own. */
const stemAligned = (knowledge: Knowledge, bundle: Bundle, gate: number): Knowledge => {
	const { memory } = knowledge;
	const alignment = proposal(memory, bundle, gate, false);
	if (memory.kept.length < STEM_FRAMES) return { ...knowledge, alignment, ...unfinished };
	return { ...knowledge, alignment, memory: emptyMemory(memory.seen.length), aligning: "norms", ...unfinished };
};

/** Second stage: all sites, once the memory is full and whenever it then asks for a real movement. */
const normsAligned = (knowledge: Knowledge, bundle: Bundle, gate: number): Knowledge => {
	const { memory, alignment } = knowledge;
	if (!isFull(memory)) return knowledge;
	const next = proposal(memory, bundle, gate, true);
	const movement = norm(minus(next, alignment)) / norm(affineOf(knowledge, sourceTheta(bundle)));
	return movement < SETTLED ? knowledge : { ...knowledge, alignment: next, ...unfinished };
};
