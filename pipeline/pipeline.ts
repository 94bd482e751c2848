import { type Observable, pipe } from "rxjs";
import { adapt } from "../operators/adapt.js";
import { announce } from "../operators/announce.js";
import { batch } from "../operators/batch.js";
import { checkpoint } from "../operators/checkpoint.js";
import { decode } from "../operators/decode.js";
import { detect } from "../operators/detect.js";
import { infer } from "../operators/infer.js";
import { obey, uncommanded, unlessFrozen } from "../operators/obey.js";
import { publish } from "../operators/publish.js";
import { recall } from "../operators/recall.js";
import { reconsider } from "../operators/reconsider.js";
import { rounds } from "../operators/rounds.js";
import type { Settings } from "../operators/settings.js";
import type { Bank, Camera, Control, Inferred, Knowledge, Model, Outlet } from "../operators/types.js";

export interface Ports {
	readonly camera: Camera;
	readonly model: Model;
	/** The same model for passes of learning, which may have to wait. Absent: `model`. */
	readonly learner?: Model;
	readonly outlet: Outlet;
	readonly bank: Bank;
	/** Absent: nobody commands. */
	readonly control?: Control;
}

/** One camera's life: what is known goes round with the batches until the camera ends. */
export const pipeline = (
	{ camera, model, learner = model, outlet, bank, control = uncommanded }: Ports,
	{ batch: batching, learning }: Settings,
	start: Knowledge,
): Observable<Inferred> => {
	const { bundle } = model;
	const heed = obey(control, { outlet, bank, bundle, learning });
	const see = pipe(decode(camera, batching), batch(), heed, infer(model, learning));
	const tell = <Step extends Inferred>() => publish<Step>(outlet, bundle.manifest.labels);
	if (!learning) return rounds(start, pipe(see, tell()));

	const compare = pipe(detect(model, learning), reconsider(model, camera, learning));
	const learn = pipe(recall(bank, bundle, learning), adapt(learner, camera, learning));
	const keep = pipe(announce(outlet), checkpoint(bank, learning.checkpoint));
	const adapting = pipe(compare, tell(), learn, keep);
	return rounds(start, pipe(see, unlessFrozen(tell(), adapting)));
};
