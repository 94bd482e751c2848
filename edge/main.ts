#!/usr/bin/env -S node --max-semi-space-size=2
// What a round makes is of no use after it. In the 16 MiB that V8 has for young objects hundreds of rounds pile up, and their
// buffers until a collection of everything; of 2 MiB they are gone at once, and the same memory, still in the cache, serves again.
import { Command, CommanderError } from "commander";
import { scrubbed } from "../config/scrub.js";
import { EdgeError } from "../operators/types.js";
import { Mistake } from "./mistake.js";
import { type BundledModel, bundled, version } from "./paths.js";
import { bits, names, size, triple, word } from "./prepare/flags.js";
import { onSignal } from "./signals.js";

/** Exit codes: 0 done, 1 the world's fault, 2 the user's mistake. */
const program = new Command("acclimate")
	.description(
		"Watches video, classifies it with a quantized model, and keeps that model accurate as conditions change.",
	)
	.version(version)
	.showSuggestionAfterError()
	.exitOverride()
	.addHelpText(
		"after",
		`
Examples:
  acclimate demo                                          see it adapt, with nothing installed
  acclimate check cam.yaml                                all mistakes of a configuration at once
  acclimate run cam.yaml                                  the daemon
  acclimate prepare vit.onnx --calibration frames/ --out my-model
  acclimate domains list --store acclimate-data           what has been learned
  acclimate replay road                                   how, where the camera keeps a journal`,
	);

/** Whoever read our output has gone (`| head`): what runs is ended in good order. */
const unread = new AbortController();
process.stdout.on("error", () => unread.abort());
const untilStopped = () => AbortSignal.any([onSignal(), unread.signal]);

const json = ["--json", "print JSON for programs, nothing else"] as const;
const store = ["--store <dir>", "folder of the LMDB database", "acclimate-data"] as const;
const bundle = ["--model <dir>", "folder of the model's bundle", bundled.model] as const;
const model = ["--model <name>", "bundled model, vit or cnn", bundledModel, "vit"] as const;

program
	.command("demo")
	.description("drawn clip, bundled model, embedded broker: accuracy with and without adaptation")
	.option(...model)
	.option("--seed <n>", "seed of the perturbations", whole, 1)
	.option(...json)
	.action(async (options) => (await import("./demo/demo.js")).demo({ ...options, signal: untilStopped() }));

program
	.command("run")
	.description("watch the cameras of a configuration file")
	.argument("<file>", "YAML, see `acclimate schema` and config/acclimate.example.yaml")
	.option("--json", "print the closing JSON line on stdout and nothing else")
	.addHelpText("after", "\nExample:\n  acclimate run cam.yaml | tail -n 1     what became of each camera's frames")
	.action(async (file, options) => {
		const [{ load }, { run }, { Writable }] = await Promise.all([
			import("../config/load.js"),
			import("./run.js"),
			import("node:stream"),
		]);
		const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
		const config = await load(file);
		const { summary, failures } = await run(config, {
			signal: untilStopped(),
			output: options.json ? silent : process.stdout,
			reload: () => load(file),
		});
		for (const failure of failures) complain(failure, 1);
		process.stdout.write(`${JSON.stringify(summary)}\n`);
	});

program
	.command("check")
	.description("say everything that is wrong with a configuration file and with what it names")
	.argument("<file>")
	.option("--json", "print the configuration with all defaults, secrets masked")
	.action(async (file, options) => {
		const [{ load }, { shown }, { check }] = await Promise.all([
			import("../config/load.js"),
			import("../config/mask.js"),
			import("./check.js"),
		]);
		const config = await load(file);
		await check(file, config);
		const cameras = Object.keys(config.cameras);
		console.log(
			options.json
				? JSON.stringify(shown(config), undefined, 2)
				: `${file} is in order: ${cameras.length} camera(s), ${cameras.join(", ")}`,
		);
	});

program
	.command("prepare")
	.description("make an adaptable int8 bundle of an image classifier in ONNX")
	.argument("<model>", "an ONNX file: a vision transformer or a convolutional network")
	.requiredOption("--calibration <path>", "folder or zip of images (class folders give labels), or a video")
	.requiredOption("--out <dir>", "where the bundle goes")
	.option("--bits <n>", "weights and activations in 8, 6 or 4 bits, on int8 kernels; 32: left in float", bits, 8)
	.option(
		"--ranges <method>",
		"ranges of activations: min-max, percentile or mse (default: percentile, below 8 bits mse)",
		word("--ranges", "min-max", "percentile", "mse"),
	)
	.option("--head", "quantize the classifier too")
	.option(
		"--sites <list>",
		"sites that zeroth-order steps perturb, by name, * allowed; opens what is closed by default",
		names("--sites"),
	)
	.option("--labels <file>", "class names, one a line, in the order of the model's outputs")
	.option("--size <HxW>", "input size, where the model leaves it open", size)
	.option("--mean <a,b,c>", "mean of R, G, B on the 0..1 scale", triple("--mean"))
	.option("--std <a,b,c>", "deviation of R, G, B on the 0..1 scale, 1/255 for models that take 0..255", triple("--std"))
	.option(
		"--fit <how>",
		"how a frame becomes the input: stretch, crop or pad (default: stretch)",
		word("--fit", "stretch", "crop", "pad"),
	)
	.option(
		"--statistics <kind>",
		"running, or batch: BatchNorm by the batch's own statistics, as published; for comparison (default: running)",
		word("--statistics", "running", "batch"),
	)
	.option(...json)
	.addHelpText(
		"after",
		`
What --size, --mean, --std, --fit and --labels leave out is read from <model>.json, preprocessor_config.json or config.json
beside the model, as timm and Hugging Face write them.

Example:
  acclimate prepare vit.onnx --calibration frames/ --out my-model --labels labels.txt \\
      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225`,
	)
	.action(async (model, options) => (await import("./prepare/command.js")).prepareCommand(model, options));

const domains = program.command("domains").description("what has been learned of each condition");
domains
	.command("list")
	.description("every camera's domains")
	.option(...store)
	.option(...json)
	.action(async (options) => (await import("./domains/show.js")).list(options));
domains
	.command("show")
	.description("one domain, or all of one camera")
	.argument("<camera>")
	.argument("[id]")
	.option(...store)
	.option(...json)
	.action(async (camera, id, options) => (await import("./domains/show.js")).show(camera, id, options));
domains
	.command("export")
	.description("carry what was learned to another device with the same model: write it to a file")
	.argument("<file>", "is made; none is written over")
	.option(...store)
	.option(...bundle)
	.option("--camera <name>", "the domains of one camera (default: all)")
	.action(async (file, options) => (await import("./domains/carry.js")).exportDomains(file, options));
domains
	.command("import")
	.description("take up what another device has learned; stop the daemon before, it takes it up at its start")
	.argument("<file>", "what `acclimate domains export` wrote")
	.option(...store)
	.option(...bundle)
	.option("--camera <name>", "put the domains of the file's one camera under this name")
	.option("--replace", "write over domains that are there already")
	.action(async (file, options) => (await import("./domains/carry.js")).importDomains(file, options));

program
	.command("replay")
	.description("make what a camera's journal holds again, step by step, and say whether all comes to the same")
	.argument("<camera>")
	.option(...store)
	.option("--model <dir>", "folder of the model's bundle (default: where it was)")
	.option(...json)
	.action(async (camera, options) => {
		const { replayCommand } = await import("./journal/command.js");
		await replayCommand(camera, { ...options, signal: untilStopped() });
	});

program
	.command("bench")
	.description("frame rates and their ratios on this machine, from one run")
	.option(...model)
	.option(...json)
	.action(async (options) => (await import("./bench/bench.js")).bench(options));

program
	.command("eval")
	.description("many methods on identical frames of labelled streams: what helps, what does not, where adapting hurts")
	.option("--model <list>", "folders of bundles, commas between them", names("--model"), [bundled.model])
	.requiredOption(
		"--data <list>",
		"folder of class folders or a zip of one; labelled clips: x.mp4 beside x.labels.json",
		names("--data"),
	)
	.option("--streams <list>", "continual, rounds, gradual, … (default: all)", names("--streams"))
	.option(
		"--methods <list>",
		"none, align, zoa, bn, … (default: all that the model allows); ablation: parts left out",
		names("--methods"),
	)
	.option(
		"--corruptions <list>",
		"what the streams show; behind a colon its severity, 5 where there is none",
		names("--corruptions"),
		[...["fog", "night", "rain", "gaussian-noise", "motion-blur", "h264"]],
	)
	.option("--seeds <n>", "how often, each time with other draws", count("--seeds"), 1)
	.option("--frames <n>", "frames of each condition in a stream", count("--frames"), 256)
	.option("--resume <file>", "keep finished runs in this file, and go on from there")
	.option("--docs <dir>", "write results.md and its drawings there")
	.option(...json)
	.addHelpText(
		"after",
		"\nExample:\n  acclimate eval --data vehicles.zip --streams continual,sorted --methods none,align,zoa --seeds 3",
	)
	.action(async (options) => {
		const typed = `npx acclimate ${process.argv.slice(2).join(" ")}`;
		await (await import("./eval/command.js")).evalCommand({ ...options, typed, signal: untilStopped() });
	});

program
	.command("eval-detector")
	.description("how often ordinary footage is taken for a change of condition, and how soon a real change is seen")
	.argument("<clips...>", "video files, cut, shaken, panned and exposed like a camera's day")
	.option("--model <list>", "folders of bundles, commas between them", names("--model"), [bundled.model])
	.option("--data <path>", "labelled pictures, to be shown sorted by class: a folder of class folders, or a zip of one")
	.option("--corruptions <list>", "what conditions change to", names("--corruptions"), [
		...["fog", "night", "rain", "gaussian-noise", "motion-blur", "h264"],
	])
	.option("--hours <n>", "hours of ordinary footage for each of three views of a clip", count("--hours"), 4)
	.option("--seed <n>", "seed of all events", whole, 1)
	.option(...json)
	.addHelpText("after", "\nExample:\n  acclimate eval-detector road.mp4 --data vehicles.zip --corruptions fog,night")
	.action(async (clips, options) => {
		const { detectorCommand } = await import("./eval/detector/command.js");
		await detectorCommand(clips, { ...options, signal: untilStopped() });
	});

program
	.command("schema")
	.description("print the JSON Schema of the configuration, for editors")
	.option("--mqtt", "print the page about MQTT instead: every topic, its payload and its JSON Schema")
	.action(async ({ mqtt }) => {
		if (mqtt) return void process.stdout.write((await import("./mqtt/page.js")).page());
		const { editorSchema } = await import("../config/editor.js");
		console.log(JSON.stringify(editorSchema(), undefined, "\t"));
	});

function count(flag: string): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (/^\d{1,6}$/.test(text) && value > 0) return value;
		throw new Mistake(`${flag}: expected a whole number above 0, got ${text}`);
	};
}

function whole(text: string): number {
	const value = Number(text);
	if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
		throw new Mistake(`expected a whole number, got ${text}`);
	return value;
}

function bundledModel(text: string): BundledModel {
	if (!Object.hasOwn(bundled.models, text))
		throw new Mistake(`--model: expected ${Object.keys(bundled.models).join(" or ")}, got ${text}`);
	return text as BundledModel;
}

function complain(message: string, code: number): void {
	process.stderr.write(`${scrubbed(message)}\n`);
	process.exitCode = code;
}

try {
	await program.parseAsync();
} catch (error) {
	if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
	else if (error instanceof Mistake || (error as Error).name === "ConfigMistakes")
		complain((error as Error).message, 2);
	else if (error instanceof EdgeError) complain(error.message, 1);
	else complain(`a fault of acclimate itself: ${(error as Error).stack}`, 1);
}
