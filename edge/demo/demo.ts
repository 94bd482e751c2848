import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { openBundle } from "../../adapters/bundle.js";
import { openEmbeddedBroker } from "../../adapters/embeddedBroker.js";
import { load } from "../../config/load.js";
import { EdgeError } from "../../operators/types.js";
import { type BundledModel, bundled } from "../paths.js";
import { run } from "../run.js";
import type { Tally } from "../watch.js";
import { openProgress } from "./progress.js";
import { report } from "./report.js";
import type { Truth } from "./truth.js";

export interface DemoOptions {
	readonly model: BundledModel;
	readonly seed: number;
	readonly json?: boolean;
	readonly signal: AbortSignal;
}

/** What one pass over the clip gave; `predicted` and `domains` by frame. */
export interface Played {
	readonly predicted: readonly string[];
	readonly domains: readonly string[];
	readonly tally: Tally;
	readonly seconds: number;
}

/** Plays the drawn clip twice through the daemon, frozen and adapting, and compares the two on the same frames. */
export const demo = async ({ model, seed, json, signal }: DemoOptions): Promise<void> => {
	const truth: Truth = JSON.parse(await readFile(bundled.labels, "utf8"));
	const { labels } = (await openBundle(bundled.models[model])).manifest;
	const folder = await mkdtemp(join(tmpdir(), "acclimate-demo-"));
	const broker = await openEmbeddedBroker();
	if (!json)
		console.log(
			`A drawn road camera, ${truth.frames.length} frames: played frozen, then adapting, labels unseen by either.\n`,
		);
	try {
		const play = async (title: "frozen" | "adapting"): Promise<Played> => {
			const file = join(folder, `${title}.yaml`);
			await writeFile(file, configuration(title, broker.url, truth, { model, seed }));
			const progress = openProgress(process.stderr, title, truth.frames.length);
			const predicted: string[] = [];
			const domains: string[] = [];
			const { summary, failures } = await run(await load(file), {
				signal,
				output: new Writable({ write: (_chunk, _encoding, done) => done() }),
				onRound: (step) => {
					for (const { frame, label } of step.predictions) {
						predicted[frame.index] = labels[label];
						domains[frame.index] = step.knowledge.domain.name;
					}
					if (!json) progress.show(step);
				},
			});
			progress.end();
			if (failures.length > 0) throw new EdgeError("camera", failures[0]);
			return { predicted, domains, tally: summary.cameras[title], seconds: summary.seconds };
		};
		const frozen = await play("frozen");
		if (signal.aborted) return;
		const adapting = await play("adapting");
		if (signal.aborted) return;
		const result = report(truth, frozen, adapting);
		console.log(json ? JSON.stringify(result.json) : `${result.text}\n\n${whereabouts(folder, broker.url)}`);
	} finally {
		await broker.close();
	}
};

/** The same file as anyone's, but for the two passes' difference. */
const configuration = (
	title: "frozen" | "adapting",
	url: string,
	{ region }: Truth,
	{ model, seed }: Pick<DemoOptions, "model" | "seed">,
): string => `
mqtt: { url: "${url}" }
model: ${JSON.stringify(bundled.models[model])}
store: ./acclimate-data
log: { level: warn }
adapt: { ${title === "frozen" ? "method: none, " : ""}seed: ${seed} }
cameras:
  ${title}: { source: ${JSON.stringify(bundled.clip)}, region: [${region.join(", ")}] }
`;

const whereabouts = (folder: string, url: string): string =>
	[
		`What was learned:  npx acclimate domains list --store ${join(folder, "acclimate-data")}`,
		`The configuration: ${join(folder, "adapting.yaml")}`,
		`MQTT topics were:  acclimate/adapting/{status,predictions,domain,adaptation} and acclimate/available on ${url},`,
		"                   a broker that ended with the demo; name your own under mqtt.url and run the file again",
	].join("\n");
