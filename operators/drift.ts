import type { Plan } from "./anatomy.js";
import { ENOUGH } from "./study.js";
import type { Observed, Study } from "./types.js";
import { astrayOf, attempted, WELL } from "./zoa/attempt.js";
import { showTheSame } from "./zoa/thumbnail.js";
import { argmax } from "./zoa/vector.js";

/** Different frames after which it is looked whether what was learned of their domain still fits. */
const LATEST = 16;

/** How much further out of line than the last sweep left its frames the latest have to be. */
const WORSE = 1.5;

/**
 * A domain's study with frames that were predicted with its alignment. A condition may grow so slowly that no change is
 * seen, as when fog thickens: where the latest frames are out of line, those alone are kept, and a sweep is due.
 */
export const followed = (study: Study, observed: readonly Observed[], plan: Plan): Study => {
	// Without the source's moments of each class, frames of few classes would seem out of line.
	if (!plan.tellsClasses || study.tuning) return study;
	const latest = observed.reduce(withObserved, study.latest);
	if (latest.length < LATEST) return { ...study, latest };
	const probabilities = latest.map(({ picture }) => picture.probabilities);
	const measurement = plan.measurement(latest.map(({ sites }, i) => ({ sites, probabilities: probabilities[i] })));
	const astray = astrayOf(attempted(study.alignment, measurement, plan), plan);
	if (!(astray > Math.max(WELL, WORSE * study.astray))) return { ...study, latest: [] };
	const labels = probabilities.map(argmax);
	const seen = study.pictures.seen.map((_, c) => labels.filter((label) => label === c).length);
	const kept = latest.map(({ picture }) => picture);
	return { ...study, latest: [], pictures: { kept, seen }, tuned: { ...study.tuned, until: 0, enough: ENOUGH } };
};

/** What came as a part of its batch's moments is copied, or all of these would stay with it. */
const withObserved = (latest: readonly Observed[], one: Observed): readonly Observed[] =>
	latest.some(({ picture }) => showTheSame(picture.thumbnail, one.picture.thumbnail))
		? latest
		: [...latest, { ...one, sites: one.sites.slice() }];
