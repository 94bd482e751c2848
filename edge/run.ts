import type { Writable } from "node:stream";
import { openStore } from "../adapters/bank.js";
import { openStdoutBroker } from "../adapters/broker.stdout.js";
import { openBundle } from "../adapters/bundle.js";
import { type CameraOptions, openCamera } from "../adapters/camera.js";
import { openModel } from "../adapters/model.js";
import { isEndless } from "../adapters/sources/source.js";
import type { CameraConfig, Config } from "../config/schema.js";
import type { Broker, Bundle } from "../operators/types.js";
import { bankOf, forgiving, wayOf } from "./bank.js";
import { openFleet } from "./fleet.js";
import { sha256Of } from "./journal/chapter.js";
import { openKeeper } from "./journal/keep.js";
import { type Log, openLog } from "./log.js";
import { type Bridge, openBridge } from "./mqtt/bridge.js";
import { connect } from "./mqtt/connect.js";
import { openControls } from "./mqtt/controls.js";
import { selection } from "./mqtt/selection.js";
import { openOutlet } from "./outlet.js";
import { bundled, version } from "./paths.js";
import { openPresence } from "./presence.js";
import { reload } from "./reload.js";
import { openRestarts } from "./restarts.js";
import { openService, type Service } from "./service/service.js";
import { defaultThreads, settingsOf } from "./settings.js";
import { openHttp } from "./telemetry/http.js";
import { openVitals, type Vitals } from "./telemetry/vitals.js";
import { openTurns } from "./turns.js";
import { emptyTally, type Tally, type Watched, watch } from "./watch.js";

/** The last line on standard output. */
export interface Summary {
	readonly seconds: number;
	readonly cameras: Readonly<Record<string, Tally>>;
}

export interface RunOptions {
	/** Ends the run: what is in hand is finished, stored and sent. */
	readonly signal: AbortSignal;
	/** Where predictions go when no broker is configured. */
	readonly output: Writable;
	readonly onRound?: Watched["onRound"];
	/** Reads the configuration anew; asked on SIGHUP. */
	readonly reload?: () => Promise<Config>;
}

export interface Outcome {
	readonly summary: Summary;
	/** What ended a camera before its time, one sentence each. */
	readonly failures: readonly string[];
}

/** Milliseconds that a broker gets to take what is queued when the run ends, and when it is told to end. */
const FAREWELL = { ended: 5_000, interrupted: 2_000 };

/**
 * Runs the daemon until every camera has ended or the signal says so, to be looked at from outside where that is wanted.
 * @throws {EdgeError} when the bundle, the model, the store or what secures the connection cannot be opened
 * @throws {Mistake} when the address for health and metrics cannot be used
 */
export const run = async (config: Config, options: RunOptions): Promise<Outcome> => {
	const log = openLog(config.log);
	const vitals = openVitals();
	const service = openService(vitals, log("service"));
	options.signal.addEventListener("abort", service.stopping, { once: true });
	const http = config.http && (await openHttp(config.http.listen, vitals));
	if (http) log("service").info(`health and metrics: ${http.url}`);
	try {
		return await operate(config, { log, vitals, service }, options);
	} finally {
		options.signal.removeEventListener("abort", service.stopping);
		await http?.close();
	}
};

/** Who is told how the run goes. */
interface Outside {
	readonly log: Log;
	readonly vitals: Vitals;
	readonly service: Service;
}

/** Opens what the cameras share, and watches them. */
const operate = async (
	config: Config,
	{ log, vitals, service }: Outside,
	{ signal, output, onRound, reload: load }: RunOptions,
): Promise<Outcome> => {
	const started = performance.now();
	const bundle = await openBundle(config.model ?? bundled.model);
	const store = openStore({ directory: config.store, onWarning: (message) => log("knowledge").warn(message) });
	const threads = config.threads ?? defaultThreads();
	const model = await openModel(bundle, { threads });
	const base = config.mqtt?.topic ?? "acclimate";
	vitals.model = true;
	let bridge: Bridge | undefined;
	let broker: Broker;
	try {
		broker = config.mqtt
			? connect(config.mqtt, config.store, vitals, log("broker"), (message) => bridge?.hear(message))
			: openStdoutBroker({ output, prints: (topic) => topic.endsWith("/predictions") });
	} catch (error) {
		await model.close();
		await store.close();
		throw error;
	}
	vitals.broker = broker;
	const bankFor = (camera: string) => store.bank(bankOf(bundle.manifest.model.sha256, wayOf(config)), camera);
	const controls = openControls();
	const restarts = openRestarts();
	const choose = () => config.mqtt && selection(config.mqtt.predictions);
	const seat = openTurns(model);
	const settings = settingsOf(config);
	const by = `acclimate ${version} on Node ${process.version}, ${process.arch}`;
	const about = { by, settings, model: { directory: bundle.directory, sha256: sha256Of(bundle), threads } };
	const keeper = openKeeper(config.store, { about, bundle });
	const tallies: Record<string, Tally> = {};

	const fleet = openFleet(async (name, camera, unwanted) => {
		const either = AbortSignal.any([signal, unwanted]);
		const tally = tallies[name] ?? emptyTally();
		const witness = vitals.witness(name, tally, camera.stall);
		unwanted.addEventListener("abort", () => vitals.forget(name), { once: true });
		const outlet = witness.overheard(openOutlet(broker, base, name, either, choose()));
		if (!camera.enabled) return openPresence(outlet).disabled();
		const cameraLog = log("camera").child({ camera: name });
		tallies[name] = tally;
		const restart = restarts.of(name);
		await watch({
			open: async () =>
				witness.opened(
					await openCamera({ ...cameraOptions(camera, bundle), onWarning: (warning) => cameraLog.warn(warning) }),
				),
			endless: isEndless(camera.source),
			...seat(),
			outlet,
			bank: forgiving(bankFor(name), log("knowledge").child({ camera: name })),
			control: controls.of(name),
			recorder: keeper.of(name, camera.journal, cameraLog),
			restart,
			settings,
			log: cameraLog,
			signal: either,
			tally,
			onRound: (step) => {
				witness.turned();
				cameraLog.trace({ frames: step.frames.length, domain: step.knowledge.domain.id }, "round");
				onRound?.(step);
			},
		}).finally(restart.over);
	});
	const hangUp = () => {
		const onBegin = service.reloading;
		const onEnd = () => {
			bridge?.tell();
			service.ready();
		};
		if (load && !signal.aborted) void reload({ config, load, fleet, log: log("camera"), onBegin, onEnd });
	};

	try {
		await fleet.become(config.cameras);
		if (config.mqtt)
			bridge = openBridge({
				...{ broker, base, bundle, vitals, controls, restarts },
				discovery: config.mqtt.discovery !== "none",
				domains: (camera) => bankFor(camera).domains(),
				log: log("broker"),
			});
		service.ready();
		if (load) process.on("SIGHUP", hangUp);
		const failures = await fleet.ended();
		await broker.close(signal.aborted ? FAREWELL.interrupted : FAREWELL.ended);
		const { waiting, dropped } = broker;
		if (waiting > 0)
			log("broker").warn({ waiting }, "messages are kept for the next run, which the broker did not acknowledge");
		if (config.mqtt && dropped > 0) log("broker").warn({ dropped }, "messages that the broker will not get");
		return {
			summary: { seconds: Math.round(performance.now() - started) / 1e3, cameras: tallies },
			failures,
		};
	} finally {
		bridge?.close();
		process.off("SIGHUP", hangUp);
		await broker.close(FAREWELL.interrupted);
		await model.close();
		await keeper.close();
		await store.close();
	}
};

/** How a camera of the configuration is opened for a bundle's input. */
export const cameraOptions = (
	{ enabled: _, journal: __, ...camera }: CameraConfig,
	{ manifest }: Bundle,
): CameraOptions => ({
	...camera,
	width: manifest.input.width,
	height: manifest.input.height,
	fit: manifest.input.fit,
});
