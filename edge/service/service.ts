import type { Logger } from "pino";
import type { Vitals } from "../telemetry/vitals.js";
import { openNotifier, type State } from "./notify.js";

/** How the daemon stands with the service manager that started it; without one, all of it does nothing. */
export interface Service {
	/** All is open, the cameras have begun. */
	ready(): void;
	/** The configuration is being read again; `ready` when that is over. */
	reloading(): void;
	/** The run ends. */
	stopping(): void;
}

/**
 * Tells systemd what the daemon is doing, and feeds its watchdog: with every round that ends, not by the clock, so that
 * systemd starts the daemon anew when the model or whatever else a round passes through hangs. The clock feeds only while
 * no camera is online, when there is nothing to turn.
 */
export const openService = (vitals: Vitals, log: Logger, env: NodeJS.ProcessEnv = process.env): Service => {
	const notifier = openNotifier(env, (message) => log.warn(message));
	const tell = async (state: State) => notifier?.tell(state);
	const interval = notifier && watchdogInterval(env);
	let stop = () => {};
	if (interval !== undefined) {
		let fedAt = Number.NEGATIVE_INFINITY;
		const feed = () => {
			// A third: one that comes late must not end the daemon, and each costs a process of a few milliseconds.
			if (performance.now() - fedAt < interval / 3) return;
			fedAt = performance.now();
			log.trace("the watchdog is fed");
			void tell("WATCHDOG=1");
		};
		vitals.events.on("round", feed);
		const idle = setInterval(() => void (vitals.online || feed()), interval / 3).unref();
		stop = () => {
			vitals.events.off("round", feed);
			clearInterval(idle);
		};
	}
	return {
		ready: () => void tell("READY=1"),
		reloading: () => void tell("RELOADING=1"),
		stopping: () => {
			stop();
			void tell("STOPPING=1");
		},
	};
};

/** Milliseconds after which a watchdog that was not fed bites; undefined where none was set on this process. */
export const watchdogInterval = ({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined => {
	const interval = Number(WATCHDOG_USEC) / 1e3;
	const ours = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
	return interval > 0 && Number.isFinite(interval) && ours ? interval : undefined;
};
