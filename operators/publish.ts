import { concatMap, type OperatorFunction } from "rxjs";
import type { Inferred, Outlet } from "./types.js";

/** Classes named in a prediction beside the first. */
const TOP = 3;

/** Sends each frame's prediction. It leaves before learning begins, so learning never delays it. */
export const publish = <T extends Inferred>(outlet: Outlet, labels: readonly string[]): OperatorFunction<T, T> =>
	concatMap(async (step) => {
		for (const { frame, label, probabilities } of step.predictions) {
			const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
			await outlet.publish("predictions", {
				frame: frame.index,
				...(frame.region !== undefined && { region: frame.region }),
				capturedAt: new Date(frame.capturedAt).toISOString(),
				label: labels[label],
				score: rounded(probabilities[label]),
				top: order.slice(0, TOP).map((c) => ({ label: labels[c], score: rounded(probabilities[c]) })),
				domain: step.knowledge.domain.id,
			});
		}
		return step;
	});

/** Four decimals: more would say more than the model knows. */
const rounded = (x: number) => Math.round(x * 1e4) / 1e4;
