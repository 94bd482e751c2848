import { concatMap, type OperatorFunction, of } from "rxjs";
import { adaptationPayload, domainPayload } from "./announce.js";
import { recalled, without } from "./domains.js";
import { type Checkpoint, checkpointOf, firstKnowledge, resumed, unfinished, withoutFrames } from "./knowledge.js";
import type { Learning } from "./settings.js";
import type { Bank, Batched, Bundle, Command, Control, Inferred, Knowledge, Outlet, Round } from "./types.js";

/** What a command needs to know of. */
interface Means {
	readonly outlet: Outlet;
	readonly bank: Bank;
	readonly bundle: Bundle;
	readonly learning: Learning | undefined;
}

type Learner = Means & { readonly learning: Learning };

/** Nobody commands. */
export const uncommanded: Control = { take: () => undefined };

/**
 * Does what somebody outside has asked for since the last round, before the batch is predicted. What comes of it is
 * stored at once and told on the retained topics.
 */
export const obey = (control: Control, means: Means): OperatorFunction<Batched, Batched> =>
	concatMap(async (step) => {
		let { knowledge } = step;
		for (let order = control.take(); order; order = control.take()) {
			const { learning } = means;
			const outcome = learning
				? await obeyed(knowledge, order.command, { ...means, learning })
				: "nothing is learned here: adapt.method is none";
			if (typeof outcome === "string") {
				order.done(outcome);
				continue;
			}
			knowledge = outcome;
			await means.bank.checkpoint(checkpointOf(knowledge));
			await means.outlet.publish("domain", domainPayload({ knowledge, score: undefined }));
			const state = knowledge.frozen ? "frozen" : "holding";
			await means.outlet.publish("adaptation", adaptationPayload(knowledge, state, undefined));
			order.done();
		}
		return { ...step, knowledge };
	});

/**
 * One operator for rounds in which nothing is to be learned, and another for the others. From what is no number nothing can
 * be learned either.
 */
export const unlessFrozen = <Step extends Inferred, Out extends Round>(
	frozen: OperatorFunction<Step, Step>,
	learning: OperatorFunction<Step, Out>,
): OperatorFunction<Step, Step | Out> =>
	concatMap((step: Step) => {
		const isWhole = step.predictions.length === step.frames.length;
		return step.knowledge.frozen || !isWhole ? of(step).pipe(frozen) : of(step).pipe(learning);
	});

/** The knowledge after a command, or why it cannot be done. */
const obeyed = async (knowledge: Knowledge, command: Command, means: Learner): Promise<Knowledge | string> => {
	switch (command.do) {
		case "on":
			return { ...knowledge, before: await learnedBefore(knowledge, means), frozen: false };
		case "freeze":
			return { ...atRest(knowledge), before: await learnedBefore(knowledge, means), frozen: true };
		case "reset":
			return {
				...(await beginning(knowledge, means)),
				before: await learnedBefore(knowledge, means),
				frozen: knowledge.frozen ?? false,
			};
		case "rollback":
			return { ...(await storedLast(knowledge, means)), frozen: knowledge.frozen ?? false };
		case "rename":
			return renamed(knowledge, command, means.bank);
		case "remove":
			return forgotten(knowledge, command.domain, means);
	}
};

/**
 * Nothing begun that frames of another hour would be added to: no window, and no suspicion that this is another domain. What
 * is known of the domain itself and of candidates stays: it is this one for as long as later frames look like it.
 */
const atRest = (knowledge: Knowledge): Knowledge => ({
	...knowledge,
	...unfinished,
	latest: [],
	candidates: withoutFrames(knowledge.candidates, knowledge.memory.seen.length),
	detector: { ...knowledge.detector, evidence: 0, strange: [] },
});

/** As on the first day, but for the bank, what was counted and what learning may still take. */
const beginning = async (
	{ counts, credit, unstored }: Knowledge,
	{ bank, bundle, learning }: Learner,
): Promise<Knowledge> => {
	const { seed, bank: size, published } = learning;
	const options = { seed, bank: size, published, now: Date.now(), named: counts.domainsNamed };
	const first = firstKnowledge(bundle, await bank.domains(), options);
	return { ...first, credit, unstored, counts: { ...counts, domainsNamed: first.counts.domainsNamed } };
};

/**
 * What learning had stored last before the first command since; where it had stored nothing, what it has come to. A command
 * stores what it has changed too, and that is nothing to go back to.
 */
const learnedBefore = async (knowledge: Knowledge, { bank }: Learner): Promise<Checkpoint> => {
	if (knowledge.before) return knowledge.before;
	const stored = await bank.restore();
	return stored && resumed(knowledge, stored) ? (stored as Checkpoint) : checkpointOf(knowledge);
};

const storedLast = async (knowledge: Knowledge, means: Learner): Promise<Knowledge> => {
	const { domains, domain } = knowledge;
	const index = domains.findIndex(({ id }) => id === domain.id);
	if (index >= 0) return { ...recalled(knowledge, index), before: undefined };
	const first = await beginning(knowledge, means);
	const back = resumed(first, await learnedBefore(knowledge, means)) ?? first;
	return { ...back, before: undefined };
};

const unknown = (id: string) => `there is no domain ${id}`;

const renamed = async (
	knowledge: Knowledge,
	{ domain: id, name }: Extract<Command, { do: "rename" }>,
	bank: Bank,
): Promise<Knowledge | string> => {
	const { domain, domains, before } = knowledge;
	const stored = domains.find((record) => record.id === id);
	if (!stored && domain.id !== id) return unknown(id);
	if (stored) await bank.put({ ...stored, name });
	return {
		...knowledge,
		// A name is nobody's learning: it stays when something else is gone back to.
		...(before?.domain.id === id && { before: { ...before, domain: { ...before.domain, name } } }),
		domain: domain.id === id ? { ...domain, name } : domain,
		domains: domains.map((record) => (record.id === id ? { ...record, name } : record)),
	};
};

const forgotten = async (
	knowledge: Knowledge,
	id: string,
	{ bank, learning }: Learner,
): Promise<Knowledge | string> => {
	const { domain, domains } = knowledge;
	const index = domains.findIndex((record) => record.id === id);
	if (domain.id === id) return `${id} is the domain at hand`;
	if (index < 0) return unknown(id);
	if (learning.published) return "zoa-reference forgets by its own rule alone";
	await bank.remove(id);
	return { ...without(knowledge, index), ...unfinished };
};
