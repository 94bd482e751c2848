import { stemTogether } from "../../../operators/detect.js";
import type { Learning } from "../../../operators/settings.js";
import type { Bundle } from "../../../operators/types.js";
import { blankDetector, type Detector, judged } from "../../../operators/zoa/detector.js";
import type { RawMoments } from "../../../operators/zoa/moments.js";

/** The daemon's detector, looking at one camera's frames. */
export interface Watch {
	/** Takes the next batch; whether the domain has changed with it. */
	sees(stems: readonly RawMoments[]): boolean;
}

export function watch(bundle: Bundle, { threshold }: Pick<Learning, "threshold">): Watch {
	let detector: Detector = blankDetector;
	return {
		sees(stems) {
			const judgement = judged(detector, stemTogether(bundle, stems), stems.length, threshold);
			({ detector } = judgement);
			return judgement.verdict === "changed";
		},
	};
}
