import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CameraVitals, Vitals } from "./vitals.js";

/** Seconds, from a fraction of a frame to what a queue of frames can cost. */
const LATENCIES = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const ADAPTATION_STATES = ["learning", "holding", "frozen"];

/** What one camera is asked at each scrape; undefined: there is nothing to be said yet, and no line. */
type Reading = (camera: CameraVitals) => number | undefined;

const counters: Readonly<Record<string, readonly [help: string, reading: Reading]>> = {
	acclimate_frames_total: ["Frames that the source delivered.", ({ tally }) => tally.frames],
	acclimate_predictions_total: ["Frames that were predicted.", ({ tally }) => tally.predictions],
	acclimate_frames_dropped_total: ["Frames that came to no prediction.", ({ tally }) => tally.dropped],
	acclimate_frames_failed_total: [
		"Frames for which what was learned gave no numbers: predicted with the model as it was prepared, or dropped.",
		({ tally }) => tally.failed,
	],
	acclimate_windows_total: ["Windows of frames that were filled for zeroth-order steps.", ({ tally }) => tally.windows],
	acclimate_steps_total: [
		"Steps of learning that were taken: sweeps, or zeroth-order ones.",
		({ tally }) => tally.steps,
	],
	acclimate_domain_changes_total: ["Changes of domain.", ({ tally }) => tally.domainChanges],
};

const gauges: Readonly<Record<string, readonly [help: string, reading: Reading]>> = {
	acclimate_camera_online: ["1 while the camera delivers frames.", ({ status }) => Number(status === "online")],
	acclimate_frames_waiting: ["Frames that wait to be predicted.", ({ waiting }) => waiting],
	acclimate_domain: ["Number of the domain at hand: 3 is d3.", ({ domain }) => numberIn(domain?.id)],
	acclimate_domains: ["Domains that are known, the one at hand among them.", ({ tally }) => tally.domains],
	acclimate_gain: [
		"Of zoa+: how much less out of line than with the model as prepared, 1 at most, as last published; no accuracy.",
		({ adaptation }) => finite(adaptation?.gain),
	],
};

/** The daemon's metrics in Prometheus' text format; what is not an event is read at each scrape. */
export const openMetrics = (vitals: Vitals): Registry => {
	const registry = new Registry();
	const registers = [registry];
	const cameraLabel = ["camera"] as const;

	const read = (metric: { set(camera: string, value: number): void }, reading: Reading) => {
		for (const [name, camera] of vitals.cameras) {
			const value = reading(camera);
			if (value !== undefined) metric.set(name, value);
		}
	};
	for (const [name, [help, reading]] of Object.entries(counters))
		new Counter({
			name,
			help,
			registers,
			labelNames: cameraLabel,
			collect() {
				this.reset();
				read({ set: (camera, value) => this.inc({ camera }, value) }, reading);
			},
		});
	for (const [name, [help, reading]] of Object.entries(gauges))
		new Gauge({
			name,
			help,
			registers,
			labelNames: cameraLabel,
			collect() {
				this.reset();
				read({ set: (camera, value) => this.set({ camera }, value) }, reading);
			},
		});
	new Gauge({
		name: "acclimate_adaptation",
		help: "1 for the state that adaptation is in.",
		registers,
		labelNames: ["camera", "state"],
		collect() {
			this.reset();
			for (const [camera, { adaptation }] of vitals.cameras)
				if (adaptation)
					for (const state of ADAPTATION_STATES) this.set({ camera, state }, Number(adaptation.state === state));
		},
	});
	const latency = new Histogram({
		name: "acclimate_latency_seconds",
		help: "From a frame's arrival to its prediction at the broker's door.",
		registers,
		labelNames: cameraLabel,
		buckets: LATENCIES,
	});
	vitals.events.on("sent", (camera, seconds) => latency.observe({ camera }, seconds));

	const single = (name: string, help: string, value: () => number | undefined) =>
		new Gauge({
			name,
			help,
			registers,
			collect() {
				this.reset();
				this.set(value() ?? 0);
			},
		});
	single("acclimate_broker_waiting", "Messages that are not acknowledged yet.", () => vitals.broker?.waiting);
	single("acclimate_broker_connected", "1 while the broker is connected.", () => Number(vitals.broker?.connected));
	new Counter({
		name: "acclimate_broker_dropped_total",
		help: "Messages that nobody got and nobody will get.",
		registers,
		collect() {
			this.reset();
			this.inc(vitals.broker?.dropped ?? 0);
		},
	});
	single("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
	single("process_start_time_seconds", "Start time of the process since the epoch in seconds.", () =>
		Math.round(performance.timeOrigin / 1e3),
	);
	return registry;
};

const finite = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

const numberIn = (id: unknown) => (typeof id === "string" ? finite(Number(id.replace(/^\D+/, ""))) : undefined);
