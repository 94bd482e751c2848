/**
 * Prediction-time batch normalization.
 * Nado, Padhy, Sculley, D'Amour, Lakshminarayanan, Snoek: Evaluating Prediction-Time Batch Normalization for Robustness
 * under Covariate Shift, 2020, arXiv 2006.10963.
 * Written from memory of the paper's method, and from nobody's code.
 *
 * Taken: each batch is normalized with its own moments and nothing is kept from one batch to the next.
 *
 * Different here: the BatchNorms of a prepared model have been folded into scales and biases, and moments come out of a
 * pass instead of going into it. So each site's scale and bias are chosen in closed form to give the batch the source's
 * moments (which is what the batch's own normalization amounts to), from a pass before. Moments measured behind a site
 * that then moves are stale; but the first site's are right after one pass, the second's after two, and so on, so
 * passes are repeated until the parameters stay where they are, and at most once for each site. What a network that
 * still has its BatchNorms does in one pass is thereby had exactly, at several; they are counted. Norms that `prepare`
 * made no site of keep the source's moments; a site's moments may be taken over a regular choice of its positions; and
 * the stem, whose norm was folded away with it, is a site like the others.
 */

import type { Frame, Manifest, Model } from "../../../operators/types.js";
import { aligned } from "../../../operators/zoa/align.js";
import { pooled } from "../../../operators/zoa/moments.js";
import { minus, norm, plus, rows } from "../../../operators/zoa/vector.js";
import type { Method } from "../method.js";
import { forward, probabilitiesOf } from "./forward.js";

/** Relative movement of the parameters under which another pass would change nothing. */
const SETTLED = 0.01;

export const bn: Method = {
	name: "bn",
	refuses: ({ sites }: Manifest) =>
		sites.some(({ kind }) => kind === "norm")
			? "bn needs BatchNorms, and this model's norms are LayerNorms"
			: undefined,
	open: async (model, { window }) => ({
		batch: window,
		step: async (frames) => {
			const { logits, passes } = await normalized(model, frames);
			return { probabilities: probabilitiesOf(logits, model.bundle.manifest.labels.length), passes };
		},
		close: async () => {},
	}),
};

/** Logits of a batch whose sites all have the source's moments, and the frames that went through the model for them. */
async function normalized(model: Model, frames: readonly Frame[]) {
	const { manifest, source } = model.bundle;
	let affine = source.affine;
	for (let pass = 1; ; pass++) {
		const { logits, sites } = await forward(model, frames, affine);
		const measured = pooled(rows(sites, source.sites.length));
		const alignment = aligned(manifest.sites, source.affine, measured, source.sites, () => true);
		const next = plus(source.affine, alignment);
		const movement = norm(minus(next, affine)) / norm(affine);
		if (movement < SETTLED || pass > manifest.sites.length) return { logits, passes: pass * frames.length };
		affine = next;
	}
}
