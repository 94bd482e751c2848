import { stemTogether } from "../../../operators/detect.js";
import type { Learning } from "../../../operators/settings.js";
import type { Bundle } from "../../../operators/types.js";
import { blankDetector, type Detector, judged } from "../../../operators/zoa/detector.js";
import type { Yardstick } from "../../../operators/zoa/exposure.js";
import type { RawMoments } from "../../../operators/zoa/moments.js";

/** The daemon's detector, looking at one camera's frames. */
export interface Watch {
	/** Takes the next batch; whether the domain has changed with it. */
	sees(stems: readonly RawMoments[]): boolean;
}

export function watch(bundle: Bundle, yardstick: Yardstick, { falseAlarms }: Pick<Learning, "falseAlarms">): Watch {
	let detector: Detector = blankDetector;
	return {
		sees(stems) {
			const judgement = judged(detector, stemTogether(bundle, stems), stems.length, yardstick, falseAlarms);
			({ detector } = judgement);
			return judgement.verdict === "changed";
		},
	};
}
