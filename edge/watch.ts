import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { lastValueFrom, tap } from "rxjs";
import { checkpointOf, firstKnowledge, resumed } from "../operators/knowledge.js";
import type { Settings } from "../operators/settings.js";
import {
	type Adapted,
	type Bank,
	type Camera,
	CameraError,
	type CameraReason,
	type Control,
	EdgeError,
	type Inferred,
	type Knowledge,
	type Model,
	type Outlet,
} from "../operators/types.js";
import { pipeline } from "../pipeline/pipeline.js";
import type { Recorder } from "./journal/record.js";
import { heralded, openPresence, type Presence } from "./presence.js";
import type { Restart } from "./restarts.js";

/** What became of one camera's frames. */
export interface Tally {
	/** Frames the source delivered: predictions and what was dropped. */
	frames: number;
	predictions: number;
	dropped: number;
	/** For which what was learned gave no numbers: the model as it was prepared predicted them or they were dropped. */
	failed: number;
	/** Filled for zeroth-order steps; absent where none are taken. */
	windows?: number;
	steps: number;
	domainChanges: number;
	/** Domains known at the end, the present one among them. */
	domains: number;
}

export const emptyTally = (): Tally => ({
	frames: 0,
	predictions: 0,
	dropped: 0,
	failed: 0,
	steps: 0,
	domainChanges: 0,
	domains: 0,
});

export interface Watched {
	/** Opens the source anew on every call. */
	readonly open: () => Promise<Camera>;
	/** A source that is expected to last for ever is opened again when it fails or ends. */
	readonly endless: boolean;
	readonly model: Model;
	/** The same model, for passes of learning. */
	readonly learner: Model;
	readonly outlet: Outlet;
	readonly bank: Bank;
	readonly control: Control;
	/** Writes down what comes in and what comes of it. Absent: nobody does. */
	readonly recorder?: Recorder | undefined;
	readonly restart: Restart;
	readonly settings: Settings;
	readonly log: Logger;
	/** Told of every round, for whoever shows progress. */
	readonly onRound?: (step: Inferred & Partial<Adapted>) => void;
	/** Ends the camera: frames in hand are still predicted, and the knowledge is stored. */
	readonly signal: AbortSignal;
	/** Counted up as frames come. */
	readonly tally: Tally;
}

/** Milliseconds between two attempts to open an endless source, doubling from the first to the second number. */
const RETRY = { first: 1_000, longest: 30_000 };

/**
 * Watches one camera until it ends or the signal says so; an endless one is opened again and again, any when somebody asks
 * for it.
 * @throws {EdgeError} when a source that has an end cannot be read, or the model fails
 */
export const watch = async (watched: Watched): Promise<void> => {
	const { bank, model, outlet, restart, settings, log, signal, tally, endless } = watched;
	const presence = openPresence(outlet);
	let knowledge = await remembered(bank, model, settings, log);
	const store = async () => {
		if (settings.learning) await bank.checkpoint(checkpointOf(knowledge));
	};
	let pause = RETRY.first;
	let retries = 0;
	while (!signal.aborted) {
		let failure: EdgeError | undefined;
		const unwanted = restart.next();
		const either = AbortSignal.any([signal, unwanted]);
		const before = tally.predictions;
		try {
			await play({ ...watched, signal: either }, presence, knowledge, (step) => {
				knowledge = step.knowledge;
			});
		} catch (error) {
			if (!(error instanceof EdgeError) || error.code !== "camera") throw error;
			failure = error;
		} finally {
			await store();
			if (tally.predictions > before) [pause, retries] = [RETRY.first, 0];
			const isRestart = unwanted.aborted && !signal.aborted;
			await presence.offline(isRestart ? "restart" : reasonOf(failure, endless && !signal.aborted), retries);
		}
		if (signal.aborted) return;
		if (!unwanted.aborted) {
			if (!endless) {
				if (failure === undefined) return;
				log.error(failure.message);
				throw failure;
			}
			log.warn({ retryIn: pause }, failure?.message ?? "the source has ended; it is opened again");
			await sleep(pause, either);
			pause = Math.min(2 * pause, RETRY.longest);
			retries++;
		}
		if (unwanted.aborted) {
			log.info("somebody asked for a restart: the source is opened anew");
			[pause, retries] = [RETRY.first, 0];
		}
	}
};

/** Why no frame comes any more; of a source that has come to its natural end, and of one that was closed, nothing is to be said. */
const reasonOf = (failure: EdgeError | undefined, endless: boolean): CameraReason | undefined => {
	if (failure instanceof CameraError) return failure.reason;
	if (failure) return "unreadable";
	return endless ? "ended" : undefined;
};

/** The knowledge a camera starts with: its checkpoint where there is one, the bank's domains in any case. */
const remembered = async (bank: Bank, model: Model, { learning }: Settings, log: Logger): Promise<Knowledge> => {
	const options = { seed: learning?.seed ?? 0, bank: learning?.bank ?? 0, published: learning?.published ?? false };
	const first = firstKnowledge(model.bundle, learning ? await bank.domains() : [], { ...options, now: Date.now() });
	const stored = learning && (await bank.restore());
	if (!stored) return first;
	const knowledge = resumed(first, stored);
	if (knowledge)
		log.info({ domain: knowledge.domain.id, stored: knowledge.domains.length }, "knowledge taken up again");
	else log.warn("the checkpoint cannot be used: the camera starts at the source");
	return knowledge ?? first;
};

const FAILING =
	"what was learned gives no numbers: the model as it was prepared predicts, and frames for which it gives none are dropped";

/** Plays the source once, from `start`. Counts and tells of each round as it goes, so that a failure loses neither. */
const play = async (
	{ open, model, learner, outlet, bank, control, recorder, settings, log, signal, tally, onRound }: Watched,
	presence: Presence,
	start: Knowledge,
	tell: (step: Inferred) => void,
): Promise<void> => {
	const camera = heralded(await open(), presence.online);
	const close = () => void camera.close();
	signal.addEventListener("abort", close);
	if (signal.aborted) close();
	const droppedBefore = tally.dropped;
	/** Frames that were taken and came to no prediction. */
	let unpredicted = 0;
	let failing = false;
	try {
		const given = { camera, bank, control };
		const inlets = recorder?.listening(given, start) ?? given;
		const rounds = pipeline({ ...inlets, model, learner, outlet }, settings, start).pipe(
			tap((step) => {
				recorder?.note(step);
				unpredicted += step.frames.length - step.predictions.length;
				count(tally, step, droppedBefore + camera.dropped + unpredicted);
				if (settings.learning?.refine) tally.windows = step.knowledge.counts.windows;
				if (step.failed > 0 && !failing) log.error({ frames: step.failed, dropped: unpredicted }, FAILING);
				failing = step.failed > 0;
				tell(step);
				onRound?.(step);
			}),
		);
		await lastValueFrom(rounds, { defaultValue: undefined });
	} finally {
		signal.removeEventListener("abort", close);
		await camera.close();
		await recorder?.over();
		// Also those that were dropped after the last round.
		tally.dropped = droppedBefore + camera.dropped + unpredicted;
		tally.frames = tally.predictions + tally.dropped;
	}
};

const count = (tally: Tally, { knowledge, predictions, failed }: Inferred, dropped: number) => {
	const { counts, domains, domain } = knowledge;
	tally.predictions += predictions.length;
	tally.failed += failed;
	tally.dropped = dropped;
	tally.frames = tally.predictions + dropped;
	tally.steps = counts.steps;
	tally.domainChanges = counts.domainChanges;
	tally.domains = domains.length + (domains.some(({ id }) => id === domain.id) ? 0 : 1);
};

const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal }).catch(() => {});
