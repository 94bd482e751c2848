import { spawn } from "node:child_process";

/** What a service is in, in systemd's words (sd_notify(3)). */
export type State = "READY=1" | "RELOADING=1" | "STOPPING=1" | "WATCHDOG=1";

export interface Notifier {
	/** Told in the order of the calls; resolves when systemd has taken it, or could not be told. */
	tell(state: State): Promise<void>;
}

/** Milliseconds for systemd-notify, which takes a few. */
const PATIENCE = 5_000;

/**
 * Tells systemd through its own `systemd-notify`: Node.js cannot write to a datagram socket of a Unix kind, and what can
 * needs a compiler at installation. Undefined where no service manager listens. `onFailure` is told once, in a sentence.
 */
export const openNotifier = (
	env: NodeJS.ProcessEnv,
	onFailure: (message: string) => void,
	program = "systemd-notify",
): Notifier | undefined => {
	const { NOTIFY_SOCKET, PATH } = env;
	if (!NOTIFY_SOCKET) return undefined;
	let failed = false;
	let last = Promise.resolve();
	const say = (state: State) =>
		new Promise<void>((done) => {
			const child = spawn(program, [state], {
				env: { NOTIFY_SOCKET, PATH },
				stdio: "ignore",
				timeout: PATIENCE,
				killSignal: "SIGKILL",
			});
			const end = (problem?: string) => {
				if (problem && !failed) onFailure(`the service manager cannot be told anything: ${problem}`);
				failed ||= problem !== undefined;
				done();
			};
			child.once("error", ({ message }) => end(message));
			child.once("exit", (code) => end(code === 0 ? undefined : `${program} ended with ${code}`));
		});
	return {
		tell(state) {
			last = last.then(() => say(state));
			return last;
		},
	};
};
